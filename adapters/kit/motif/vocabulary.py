"""The words that say something: which subject, setting, hour, weather or manner each of them means."""


def _meanings(rows: dict[str, str]) -> dict[str, str]:
    return {word: meaning for meaning, words in rows.items() for word in words.split()}


SUBJECTS = _meanings(
    {
        "dog": "dog puppy shiba corgi hound pup doge retriever",
        "wolf": "wolf husky coyote wolves",
        "fox": "fox foxes vixen",
        "cat": "cat kitten kitty tabby",
        "bear": "bear teddy grizzly",
        "panda": "panda",
        "rabbit": "rabbit bunny hare",
        "tiger": "tiger tigress",
        "lion": "lion lioness",
        "mouse": "mouse mice hamster",
        "owl": "owl owlet",
        "penguin": "penguin",
        "bird": "bird robin sparrow parrot chick duck duckling canary",
        "animal": "animal creature pet",
        "person": "portrait woman man face girl boy lady gentleman person people human sailor captain fisherman king"
        " queen prince princess wizard witch grandmother grandfather child model actor poet musician pirate farmer",
        "astronaut": "astronaut cosmonaut spaceman",
        "robot": "robot android cyborg droid",
        "lighthouse": "lighthouse beacon",
        "house": "house cabin cottage hut home farm barn lodge",
        "castle": "castle fortress palace tower",
        "tree": "tree oak willow bonsai",
        "boat": "boat ship sailboat yacht sailing vessel galleon",
        "rocket": "rocket spaceship spacecraft shuttle",
        "balloon": "balloon airship",
        "cup": "coffee tea cup mug espresso latte cappuccino cocoa",
        "vase": "vase bouquet",
        "fruit": "fruit apple orange lemon pear peach still",
    }
)
SETTINGS = _meanings(
    {
        "space": "space star stars galaxy planet cosmos cosmic nebula universe milky orbit mars moon lunar saturn"
        " asteroid",
        "sea": "sea ocean beach coast wave waves shore island surf harbour harbor bay nautical underwater",
        "mountain": "mountain hill peak alps valley cliff landscape lake fjord glacier river ridge volcano nature"
        " scenery",
        "forest": "forest wood woods jungle grove woodland rainforest pine",
        "city": "city skyline street town urban skyscraper tokyo york paris london metropolis building downtown neon",
        "garden": "garden flower meadow tulip rose daisy poppy lavender blossom bloom sunflower field park petal",
        "desert": "desert dune sahara sand canyon oasis",
        "flow": "abstract flow fluid silk gradient smoke liquid swirl aurora dream",
        "tiling": "geometric pattern tile tiling bauhaus mosaic cubist shapes geometry quilt",
        "marble": "marble marbled agate ink stone vein texture malachite geode",
        "paper": "paper layered papercut cutout topographic contour",
        "table": "table kitchen cafe breakfast desk",
    }
)
MOODS = _meanings(
    {
        "dawn": "dawn sunrise morning",
        "sunset": "sunset dusk evening twilight",
        "night": "night midnight moonlit nocturnal dark starry nighttime moonlight",
        "storm": "storm stormy thunder thunderstorm tempest hurricane lightning gale",
        "fog": "fog foggy mist misty haze hazy",
        "day": "day noon daylight sunny midday afternoon",
    }
)
WEATHERS = _meanings(
    {
        "rain": "rain rainy raining drizzle wet",
        "snow": "snow snowy winter snowing snowfall snowflake blizzard christmas",
        "autumn": "autumn fall autumnal october",
    }
)
STYLES = _meanings(
    {
        "watercolor": "watercolor watercolour aquarelle gouache painting painted",
        "minimal": "minimal minimalist simple clean",
        "neon": "neon cyberpunk synthwave vaporwave glowing",
        "pastel": "pastel soft",
        "vintage": "vintage retro sepia nostalgic",
        "mono": "monochrome greyscale grayscale noir",
    }
)
#: A colour before one of these belongs to the sitter's dress, not to the scene.
WORN = frozenset({"dress", "coat", "hat", "shirt", "sweater", "jacket", "scarf", "suit", "sail", "sails"})
#: A colour before one of these is not drawn.
OWNED = frozenset({"eye", "eyes", "hair", "fur", "nose"})
COUNTS = {"two": 2, "pair": 2, "couple": 2, "twin": 2, "three": 3, "many": 3, "several": 3}

BIRDS = frozenset({"owl", "penguin", "bird"})
ANIMALS = BIRDS | {"dog", "wolf", "fox", "cat", "bear", "panda", "rabbit", "tiger", "lion", "mouse"}
PEOPLE = frozenset({"person", "astronaut", "robot"})
TABLEWARE = frozenset({"cup", "vase", "fruit"})
ABSTRACT = ("flow", "tiling", "marble", "paper")
SCENERY = ("mountain", "forest", "sea", "garden", "desert", "space", "city")
#: Where a subject is at home when the prompt names no place.
HOMES = {
    "lighthouse": "sea",
    "boat": "sea",
    "rocket": "space",
    "astronaut": "space",
    "balloon": "mountain",
    "castle": "mountain",
    "house": "mountain",
    "tree": "mountain",
    "penguin": "mountain",
}
#: Where somebody of this calling is portrayed.
CALLINGS = {"sailor": "sea", "captain": "sea", "fisherman": "sea", "pirate": "sea", "farmer": "garden"}
