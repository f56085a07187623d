"""File names that a store may hold and that careless code breaks on."""

NAMES = [
    "plain.jpg",
    "two words.jpg",
    "Müller.jpg",
    "Mu\u0308ller.jpg",
    "a#b.jpg",
    "100%.jpg",
    "a%20b.jpg",
    "what?.jpg",
    "x[1].jpg",
    "{a,b}.jpg",
    "a::zip.jpg",
    'it\'s "q".jpg',
    "star*.jpg",
    "Ünï/deep er/#1.jpg",
]
