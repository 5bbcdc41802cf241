"""Formulas that a hurried hand would write of loans on several tapes, each with the unit test that must see it."""

QUARTERS, NUMBERS = "models/intermediate/int_loan_quarters.sql", "models/intermediate/int_loan_numbers.sql"
QUARTER_TEST = "the_last_tape_of_a_quarter_speaks_for_a_loan"

# A tempting wrong formula: file, what stands there, what a hurried hand would write, the unit test that must see it.
MUTATIONS = [
    (QUARTERS, "where rank_in_quarter = 1", "where true", QUARTER_TEST),
    (QUARTERS, "    rank_of_all = 1 as", "    true as", QUARTER_TEST),
    (
        NUMBERS,
        "order by known_from nulls last, loan_key",
        "order by loan_key",
        "a_loan_that_is_filed_later_changes_no_number",
    ),
]
