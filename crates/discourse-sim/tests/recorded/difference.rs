//! Recordings that the simulator does not answer the same way, each with the reason.

const CURRENT_USER: &str = "the session's user has only the fields that API clients use; the rest is \
                            state of the front end and of the chat plugin";

/// Number and reason.
pub const LISTED: &[(&str, &str)] = &[
    ("001", "topic 1 is the About topic of another category here"),
    (
        "094",
        "the search finds posts of earlier, unrecorded runs too",
    ),
    ("095", "statistics of the chat plugin, and the site's title"),
    ("096", "the site's title"),
    ("656", CURRENT_USER),
    ("657", CURRENT_USER),
    ("658", CURRENT_USER),
    ("660", CURRENT_USER),
];
