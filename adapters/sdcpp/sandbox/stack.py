"""Stacks as Express shows them in its HTML pages, to the letter of the recordings."""

UNEXPECTED_FIELD = (
    "at wrappedFileFilter (/srv/app/backend/node_modules/multer/index.js:123:19)",
    "at Multipart.<anonymous> (/srv/app/backend/node_modules/multer/lib/make-middleware.js:358:7)",
    "at Multipart.emit (node:events:524:28)",
    "at HeaderParser.cb (/srv/app/backend/node_modules/busboy/lib/types/multipart.js:358:14)",
    "at HeaderParser.push (/srv/app/backend/node_modules/busboy/lib/types/multipart.js:162:20)",
    "at SBMH.ssCb [as _cb] (/srv/app/backend/node_modules/busboy/lib/types/multipart.js:394:37)",
    "at feed (/srv/app/backend/node_modules/streamsearch/lib/sbmh.js:219:14)",
    "at SBMH.push (/srv/app/backend/node_modules/streamsearch/lib/sbmh.js:104:16)",
    "at Multipart._write (/srv/app/backend/node_modules/busboy/lib/types/multipart.js:567:19)",
    "at writeOrBuffer (node:internal/streams/writable:572:12)",
)
ONLY_IMAGES = (
    "at fileFilter (file:///srv/app/backend/middleware/upload.js:17:8)",
    "at wrappedFileFilter (/srv/app/backend/node_modules/multer/index.js:134:7)",
    "at Multipart.<anonymous> (/srv/app/backend/node_modules/multer/lib/make-middleware.js:358:7)",
    "at Multipart.emit (node:events:524:28)",
    "at HeaderParser.cb (/srv/app/backend/node_modules/busboy/lib/types/multipart.js:358:14)",
    "at HeaderParser.push (/srv/app/backend/node_modules/busboy/lib/types/multipart.js:162:20)",
    "at SBMH.ssCb [as _cb] (/srv/app/backend/node_modules/busboy/lib/types/multipart.js:394:37)",
    "at feed (/srv/app/backend/node_modules/streamsearch/lib/sbmh.js:219:14)",
    "at SBMH.push (/srv/app/backend/node_modules/streamsearch/lib/sbmh.js:104:16)",
    "at Multipart._write (/srv/app/backend/node_modules/busboy/lib/types/multipart.js:567:19)",
)
FILE_TOO_LARGE = (
    "at abortWithCode (/srv/app/backend/node_modules/multer/lib/make-middleware.js:225:22)",
    "at FileStream.<anonymous> (/srv/app/backend/node_modules/multer/lib/make-middleware.js:330:11)",
    "at FileStream.emit (node:events:524:28)",
    "at SBMH.ssCb [as _cb] (/srv/app/backend/node_modules/busboy/lib/types/multipart.js:479:32)",
    "at feed (/srv/app/backend/node_modules/streamsearch/lib/sbmh.js:248:10)",
    "at SBMH.push (/srv/app/backend/node_modules/streamsearch/lib/sbmh.js:104:16)",
    "at Multipart._write (/srv/app/backend/node_modules/busboy/lib/types/multipart.js:567:19)",
    "at writeOrBuffer (node:internal/streams/writable:572:12)",
    "at _write (node:internal/streams/writable:501:10)",
    "at Writable.write (node:internal/streams/writable:510:10)",
)
BROKEN_JSON = (
    "at JSON.parse (<anonymous>)",
    "at parse (/srv/app/backend/node_modules/body-parser/lib/types/json.js:93:21)",
    "at /srv/app/backend/node_modules/body-parser/lib/read.js:194:18",
    "at AsyncResource.runInAsyncScope (node:async_hooks:206:9)",
    "at invokeCallback (/srv/app/backend/node_modules/raw-body/index.js:238:16)",
    "at done (/srv/app/backend/node_modules/raw-body/index.js:227:7)",
    "at IncomingMessage.onEnd (/srv/app/backend/node_modules/raw-body/index.js:287:7)",
    "at IncomingMessage.emit (node:events:524:28)",
    "at endReadableNT (node:internal/streams/readable:1698:12)",
    "at process.processTicksAndRejections (node:internal/process/task_queues:82:21)",
)
STRICT_JSON = (
    "at JSON.parse (<anonymous>)",
    "at createStrictSyntaxError (/srv/app/backend/node_modules/body-parser/lib/types/json.js:139:10)",
    "at parse (/srv/app/backend/node_modules/body-parser/lib/types/json.js:87:17)",
    "at /srv/app/backend/node_modules/body-parser/lib/read.js:194:18",
    "at AsyncResource.runInAsyncScope (node:async_hooks:206:9)",
    "at invokeCallback (/srv/app/backend/node_modules/raw-body/index.js:238:16)",
    "at done (/srv/app/backend/node_modules/raw-body/index.js:227:7)",
    "at IncomingMessage.onEnd (/srv/app/backend/node_modules/raw-body/index.js:287:7)",
    "at IncomingMessage.emit (node:events:524:28)",
    "at endReadableNT (node:internal/streams/readable:1698:12)",
)
TOO_LARGE = (
    "at readStream (/srv/app/backend/node_modules/raw-body/index.js:163:17)",
    "at getRawBody (/srv/app/backend/node_modules/raw-body/index.js:116:12)",
    "at read (/srv/app/backend/node_modules/body-parser/lib/read.js:134:3)",
    "at jsonParser (/srv/app/backend/node_modules/body-parser/lib/types/json.js:60:5)",
    "at Layer.handleRequest (/srv/app/backend/node_modules/router/lib/layer.js:169:33)",
    "at trimPrefix (/srv/app/backend/node_modules/router/index.js:356:13)",
    "at /srv/app/backend/node_modules/router/index.js:311:9",
    "at processParams (/srv/app/backend/node_modules/router/index.js:619:12)",
    "at next (/srv/app/backend/node_modules/router/index.js:305:5)",
    "at cors (/srv/app/backend/node_modules/cors/lib/index.js:188:7)",
)
