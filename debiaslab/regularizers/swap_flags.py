"""What a word is to the swapping of gender, as bits."""

PRONOUN_HER, PRONOUN_HIS, OTHER_GENDERED = 1, 2, 4  # a word with a counterpart is one of these
AFTER_OBJECT = 8  # follows *him* rather than *his*; so does the end of a document
BEFORE_HERS = 16  # "a friend *of* hers", "it *was* hers"
GENDERED = PRONOUN_HER | PRONOUN_HIS | OTHER_GENDERED
