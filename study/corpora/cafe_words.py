"""The words of the built-in corpus: what a guest, a topic, a price or a mood can sound like."""

TOPICS: dict[str, dict[str, str]] = {
    "coffee": {
        "item": "espresso cappuccino latte mocha americano macchiato cortado brew ristretto chai",
        "good": "smooth rich fragrant velvety balanced creamy aromatic silky",
        "bad": "bitter watery burnt sour lukewarm weak harsh thin",
        "detail": "foam crema milk aroma cup blend froth roast",
        "act": "order sip try",
        "cheer": "{ask} for a second cup|{drain} the mug|{buy} a bag of beans",
        "moan": "{leave} half of the mug|{ask} for plain water|{pour} in more syrup",
    },
    "pastry": {
        "item": "croissant brownie muffin scone tart cheesecake strudel eclair bun waffle",
        "good": "flaky buttery moist crisp sweet crumbly light spongy",
        "bad": "stale dry soggy greasy doughy chewy floury hard",
        "detail": "crust filling icing glaze dough topping jam marzipan",
        "act": "taste eat share",
        "cheer": "{ask} for the recipe|{finish} every crumb|{take} two slices home",
        "moan": "{leave} most of the plate|{feed} the rest to the pigeons|{need} a sharper knife",
    },
    "staff": {
        "item": "waiter waitress barista owner manager cook cashier trainee host baker",
        "good": "friendly cheerful attentive patient polite quick helpful kind",
        "bad": "rude slow grumpy careless distracted hasty forgetful sullen",
        "detail": "smile greeting service advice welcome attitude apron handshake",
        "act": "meet question thank",
        "cheer": "{leave} a generous tip|{write} a thankful note|{shake} hands at the door",
        "moan": "{leave} no tip|{write} an angry letter|{repeat} every request twice",
    },
    "room": {
        "item": "terrace garden corner alcove sofa table balcony counter lounge gallery",
        "good": "cosy bright sunny spacious tidy comfortable warm airy",
        "bad": "cramped dark draughty dusty cold shabby dirty damp",
        "detail": "lighting view carpet wallpaper furniture ceiling decor fireplace",
        "act": "choose admire photograph",
        "cheer": "{stay} for hours|{stretch} out by the window|{read} a whole book there",
        "moan": "{move} to another seat|{keep} a coat on|{wipe} the chair first",
    },
    "music": {
        "item": "pianist singer guitarist band playlist quartet drummer choir cellist fiddler",
        "good": "soothing lively graceful tuneful gentle elegant playful mellow",
        "bad": "deafening shrill tuneless noisy clumsy dreary monotonous squeaky",
        "detail": "melody rhythm volume chorus tune tempo sound harmony",
        "act": "hear notice record",
        "cheer": "{clap} until the end|{hum} all the way home|{request} an encore",
        "moan": "{cover} both ears|{shout} across the noise|{flee} before the encore",
    },
}

VERDICTS = {
    "good": "lovely excellent wonderful splendid delightful superb charming pleasant perfect marvellous",
    "bad": "awful terrible poor horrible disappointing dreadful mediocre unpleasant miserable lousy",
}
JUDGEMENTS = {"good": "like|enjoy|praise|recommend", "bad": "dislike|avoid|criticise|regret"}
RETURNS = {
    "good": "return to that {venue}|recommend that {venue}|visit that {venue} again"
    "|praise that {venue} everywhere|always remember that {venue}",
    "bad": "never enter that {venue}|avoid that {venue}|leave that {venue} early"
    "|pick another {venue} instead|soon forget that {venue}",
}

PRICES = {
    "cheap": {
        "priced": "cheap|inexpensive|budget|low-cost",
        "sum": "two euros|three euros|a few coins|small change",
        "bill": "tiny|small|low",
    },
    "fair": {
        "priced": "affordable|mid-priced|ordinary|average",
        "sum": "six euros|seven euros|a fair sum|the usual amount",
        "bill": "fair|moderate|normal",
    },
    "dear": {
        "priced": "expensive|pricey|costly|upmarket",
        "sum": "nineteen euros|twenty euros|a small fortune|half a salary",
        "bill": "steep|high|outrageous",
    },
}

# who speaks or is spoken of, the pronoun for later on, and whether the verb takes an s
GUESTS = (
    ("i", "i", False),
    ("we", "we", False),
    ("my sister", "she", True),
    ("my brother", "he", True),
    ("my parents", "they", False),
    ("our neighbour", "he", True),
    ("two friends", "they", False),
    ("my aunt", "she", True),
    ("my uncle", "he", True),
    ("the children", "they", False),
    ("my grandmother", "she", True),
    ("a colleague", "she", True),
    ("maria", "she", True),
    ("anna", "she", True),
    ("tom", "he", True),
    ("peter", "he", True),
    ("the students", "they", False),
    ("our teacher", "she", True),
)

VENUES = "cafe bistro diner tearoom brasserie canteen inn kiosk bar cafeteria"
PLACES = (
    "near the station|by the river|beside the library|behind the church|at the market|opposite the museum"
    "|across the bridge|in the old town|under the arches|next to the theatre|on the square|by the harbour"
    "|close to the park|near the university|above the bookshop|outside the city"
)
TIMES = (
    "on sunday|on monday|on friday|in the evening|after lunch|at noon|before work|during the break|on rainy days"
    "|in winter|in july|over the weekend|after school|before the film|around midnight|at breakfast"
)
REASONS = (
    "{need} a rest|{miss} the bus|{have} the day off|{want} a treat|{feel} tired|{love} the area|{know} the owners"
)

ADVERBS = "really quite rather truly fairly very remarkably surprisingly simply somewhat"
LINKS = "because|since|as|given that"

# how each kind of writer leans: favoured adverbs, favoured link, share of longer sentences that open with the time
WRITERS: dict[str, tuple[tuple[str, str], str, float]] = {
    "critic": (("remarkably", "somewhat"), "as", 0.7),
    "neighbour": (("quite", "rather"), "since", 0.3),
    "regular": (("simply", "fairly"), "because", 0.5),
    "student": (("really", "very"), "because", 0.2),
    "tourist": (("truly", "surprisingly"), "given that", 0.8),
}

# base form, with s, past
VERBS = (
    "admire admires admired|ask asks asked|avoid avoids avoided|buy buys bought|call calls called|"
    "choose chooses chose|clap claps clapped|cover covers covered|criticise criticises criticised|"
    "dislike dislikes disliked|drain drains drained|eat eats ate|enjoy enjoys enjoyed|feed feeds fed|"
    "feel feels felt|find finds found|finish finishes finished|flee flees fled|go goes went|have has had|"
    "hear hears heard|hum hums hummed|keep keeps kept|know knows knew|leave leaves left|like likes liked|"
    "love loves loved|meet meets met|miss misses missed|move moves moved|need needs needed|"
    "notice notices noticed|order orders ordered|pay pays paid|photograph photographs photographed|"
    "pour pours poured|praise praises praised|question questions questioned|read reads read|"
    "recommend recommends recommended|record records recorded|regret regrets regretted|repeat repeats repeated|"
    "request requests requested|shake shakes shook|share shares shared|shout shouts shouted|sip sips sipped|"
    "stay stays stayed|stretch stretches stretched|take takes took|taste tastes tasted|thank thanks thanked|"
    "try tries tried|walk walks walked|want wants wanted|wipe wipes wiped|write writes wrote"
)

# {when} is where the time stands unless it opens the sentence; a short sentence has no time
TEMPLATES: dict[str, tuple[str, ...]] = {
    "short": (
        "the {priced} {venue} {own} {a_quality} {item}",
        "{guest} {act} {a_quality} {item} at {a_priced} {venue}",
        "the {item} at {a_priced} {venue} {be} {adverb} {quality}",
        "{guest} {pay} {sum} and {find} the {item} {quality}",
    ),
    "medium": (
        "{guest} {act} {a_quality} {item} at {a_priced} {venue} {when} {link} {pronoun} {reason}",
        "{guest} {go} to {a_priced} {venue} {place} {when} and {find} the {item} {adverb} {quality}",
        "{guest} {pay} {sum} at the {venue} {place} {when} and {find} the {item} {adverb} {quality}",
        "{guest} {judge} the {item} at {a_priced} {venue} {link} the {detail} {be} {adverb} {quality} {when}",
    ),
    "long": (
        "{guest} {act} {a_quality} {item} at {a_priced} {venue} {when} , "
        "and {link} the {detail} {be} {adverb} {verdict} {pronoun} {will} {return}",
        "{guest} {go} to {a_priced} {venue} {place} {when} , "
        "and the {item} {be} so {quality} that {pronoun} {will} {return}",
        "{guest} {find} the {item} at the {venue} {adverb} {quality} {when} , "
        "the bill {be} {bill} , and {pronoun} {react}",
        "{guest} {walk} to {a_priced} {venue} {when} , "
        "where {pronoun} {react} {link} the {item} {be} {adverb} {verdict}",
    ),
}
