"""Examples for the documents and the pages: values of the contract's own types, so that none can be wrong."""
