//! The threads of a seeded term, as people in the forum started them.

use crate::act::insert::{self, PostRow, TopicRow};
use crate::clock::{DAY, HOUR, MINUTE};
use crate::state::World;

/// One post: author, the number it answers (0 for none), text.
type Line = (&'static str, i64, &'static str);

/// One thread: category slug, title, posts.
struct Thread {
    category: &'static str,
    title: &'static str,
    posts: &'static [Line],
}

/// Adds all threads, spread over the last three weeks, oldest first.
pub fn threads(world: &mut World) {
    let now = world.now();
    let count = i64::try_from(THREADS.len()).unwrap_or(1);
    for (thread, at) in THREADS.iter().zip(0_i64..) {
        let start = now - 21 * DAY + at * (20 * DAY / count);
        add(world, thread, start);
    }
}

fn add(world: &mut World, thread: &Thread, start: i64) {
    let Some(category_id) = world.category_by_ref(thread.category).map(|row| row.id) else {
        return;
    };
    let mut topic_id = None;
    for ((author, parent, raw), at) in thread.posts.iter().zip(0_i64..) {
        let Some(user_id) = world.user_by_name(author).map(|user| user.id) else {
            continue;
        };
        let created_at = start + at * (2 * HOUR + 7 * MINUTE);
        let first = PostRow {
            reply_to: (*parent > 0).then_some(*parent),
            created_at: Some(created_at),
            announce: false,
            ..PostRow::new(topic_id.unwrap_or(0), user_id, raw)
        };
        let post_id = if topic_id.is_some() {
            insert::post(world, &first)
        } else {
            let row = TopicRow {
                title: thread.title.to_owned(),
                category_id: Some(category_id),
                tags: Vec::new(),
                external_id: None,
                visible: true,
                allowed_users: Vec::new(),
                allowed_groups: Vec::new(),
                first,
            };
            insert::topic(world, row)
        };
        topic_id = world.posts.get(&post_id).map(|post| post.topic_id);
        if let Some(post) = world.posts.get_mut(&post_id) {
            post.updated_at = created_at;
            post.last_version_at = created_at;
        }
    }
    insert::recount_category(world, category_id);
}

const BIO: &str = "intro-bio";
const HISTORY: &str = "world-history";
const CALCULUS: &str = "calculus-1";

const THREADS: &[Thread] = &[
    Thread {
        category: BIO,
        title: "Why are leaves green and not black?",
        posts: &[
            (
                "alice",
                0,
                "If a leaf wants all the energy it can get, **why reflect green** at all? A black leaf would take everything.\n\n- red is used\n- blue is used\n- green is thrown away?",
            ),
            (
                "bob",
                1,
                "I think it is about *noise*: too much light at the peak would burn the machinery. There was a figure in chapter 8.",
            ),
            (
                "carol",
                2,
                "[quote=\"bob, post:2\"]\ntoo much light at the peak would burn\n[/quote]\n\nThat is what the lecture called photoinhibition, isn't it?",
            ),
            (
                "tina",
                3,
                "Exactly. Look up **photoinhibition** and compare shade plants with sun plants. :seedling:",
            ),
            (
                "alice",
                4,
                "Thanks! So the answer is \"it depends on the habitat\" :smile:",
            ),
        ],
    },
    Thread {
        category: BIO,
        title: "Lab 2: my cells will not stain",
        posts: &[
            (
                "dave",
                0,
                "Steps I followed:\n\n1. fix with methanol\n2. dry for 5 minutes\n3. methylene blue, 1 minute\n4. rinse\n\nAll I see is a blue smear. What went wrong?",
            ),
            (
                "erin",
                1,
                "Did you let it dry *completely* before step 3? Mine looked the same when it was still wet.",
            ),
            ("dave", 2, "No... that must be it."),
            (
                "tina",
                1,
                "Also rinse from the side, never directly on the smear.",
            ),
        ],
    },
    Thread {
        category: BIO,
        title: "Mitosis and meiosis in one table",
        posts: &[
            (
                "grace",
                0,
                "I made this for myself, corrections welcome.\n\n| | mitosis | meiosis |\n|---|---|---|\n| divisions | 1 | 2 |\n| daughter cells | 2 | 4 |\n| ploidy | same | half |",
            ),
            ("heidi", 1, "You could add a row for crossing over."),
            ("grace", 2, "Good idea, will do. :+1:"),
        ],
    },
    Thread {
        category: BIO,
        title: "Question about the reading for week 3",
        posts: &[
            (
                "ivan",
                0,
                "On page 112 the book says the membrane is *fluid*. How fluid is that really, compared with oil?",
            ),
            (
                "tina",
                1,
                "Closer to olive oil than to water. Single lipids change places in microseconds.",
            ),
        ],
    },
    Thread {
        category: BIO,
        title: "Study group on Thursdays",
        posts: &[
            (
                "bob",
                0,
                "Anyone up for a study group, Thursdays at 6 in the library? We could go through the problem sets together.",
            ),
            ("alice", 1, "I'm in. @carol too?"),
            ("carol", 2, "Yes, if we start with problem set 2."),
            ("frank", 1, "Count me in as well :tada:"),
            ("bob", 4, "Room 3 is booked."),
        ],
    },
    Thread {
        category: BIO,
        title: "Counting colonies with a short script",
        posts: &[
            (
                "erin",
                0,
                "I got tired of counting by hand:\n\n```python\nfrom skimage import io, measure\nimage = io.imread(\"plate.png\", as_gray=True)\nlabels = measure.label(image > 0.6)\nprint(labels.max())\n```\n\nIt overcounts when colonies touch. Ideas?",
            ),
            (
                "ivan",
                1,
                "Use a distance transform and `watershed` before labelling.",
            ),
            (
                "erin",
                2,
                "That works, thank you! From 214 down to 187, by hand I had 189.",
            ),
        ],
    },
    Thread {
        category: BIO,
        title: "Is a virus alive or not?",
        posts: &[
            (
                "heidi",
                0,
                "The slides say \"no metabolism, so not alive\". But then what about spores, or a frozen embryo?",
            ),
            (
                "frank",
                1,
                "A spore *can* start its own metabolism again. A virus needs somebody else's.",
            ),
            (
                "heidi",
                2,
                "So the test is whether it could ever live alone?",
            ),
            (
                "grace",
                3,
                "By that test many parasites are not alive either.",
            ),
            (
                "tina",
                4,
                "> A definition is a tool, not a fact.\n\nAsk what you want to use it for. We will come back to this in week 9.",
            ),
        ],
    },
    Thread {
        category: HISTORY,
        title: "Was the printing press really that important?",
        posts: &[
            (
                "carol",
                0,
                "The textbook makes it sound as if **nothing** spread before 1450. What about block printing in China and Korea?",
            ),
            (
                "dave",
                1,
                "Movable type existed there too, but the number of characters made it less of a saving.",
            ),
            (
                "ivan",
                2,
                "Jikji was printed in 1377, more than 70 years before the Bible.",
            ),
            ("carol", 3, "Then why do we always start with Gutenberg?"),
        ],
    },
    Thread {
        category: HISTORY,
        title: "Sources for the Silk Road essay",
        posts: &[
            (
                "frank",
                0,
                "Please share sources that are *not* on the reading list:\n\n- museum collections\n- letters\n- maps",
            ),
            (
                "grace",
                1,
                "The Sogdian letters found near Dunhuang are short and very human.",
            ),
            (
                "erin",
                1,
                "Old caravan maps are online, but check the dates.",
            ),
        ],
    },
    Thread {
        category: HISTORY,
        title: "How to cite a painting",
        posts: &[
            (
                "alice",
                0,
                "The style guide only has books and articles. Does a painting go into the bibliography or just into a note?",
            ),
            (
                "tina",
                1,
                "Both: artist, title, year, medium, collection. In the note add where you saw it.",
            ),
        ],
    },
    Thread {
        category: HISTORY,
        title: "Debate on Friday: who takes which side?",
        posts: &[
            (
                "bob",
                0,
                "Motion: *the plague did more for wages than any law*. I would take the side **for**.",
            ),
            ("heidi", 1, "Against, gladly."),
            ("dave", 1, "I can keep the time."),
            ("bob", 3, "Perfect, thanks :clap:"),
        ],
    },
    Thread {
        category: HISTORY,
        title: "What did people eat in a medieval town?",
        posts: &[
            (
                "erin",
                0,
                "Bread, more bread, and? I look for numbers, not for banquets.",
            ),
            (
                "ivan",
                1,
                "Account books of hospitals list everything that was bought, week by week.",
            ),
            ("erin", 2, "Brilliant, I had not thought of hospitals."),
        ],
    },
    Thread {
        category: HISTORY,
        title: "Mistake on slide 14?",
        posts: &[
            (
                "grace",
                0,
                "Slide 14 says the treaty was signed in 1684, the book says 1648. Which one is right?",
            ),
            ("tina", 1, "1648. Well spotted, I will correct the slide."),
        ],
    },
    Thread {
        category: CALCULUS,
        title: "Why is the derivative of x squared 2x?",
        posts: &[
            (
                "heidi",
                0,
                "I can use the rule, but I do not *see* it. Is there a picture?",
            ),
            (
                "frank",
                1,
                "Take a square with side x and make it a little wider: two thin strips of area x times dx, and a tiny corner.",
            ),
            ("heidi", 2, "Oh! And the corner vanishes. :bulb:"),
        ],
    },
    Thread {
        category: CALCULUS,
        title: "Problem set 4, question 3",
        posts: &[
            (
                "ivan",
                0,
                "I get `1/3` and the solution says `2/3`. My steps:\n\n1. substitute u = x + 1\n2. integrate\n3. put the limits in",
            ),
            ("carol", 1, "Did you change the limits after step 1?"),
            ("ivan", 2, "I did not. Now it is 2/3. Thanks!"),
            (
                "alice",
                2,
                "I fell for exactly the same thing :sweat_smile:",
            ),
        ],
    },
    Thread {
        category: CALCULUS,
        title: "Are graphing calculators allowed in the exam?",
        posts: &[
            (
                "dave",
                0,
                "The syllabus says \"no electronic aids\", the exam sheet of last year says \"simple calculator\".",
            ),
            ("tina", 1, "Simple calculators only, no graphs, no algebra."),
        ],
    },
    Thread {
        category: CALCULUS,
        title: "Checking a limit numerically",
        posts: &[
            (
                "bob",
                0,
                "For those who like to see numbers:\n\n```\nfor n in 1..6:\n    h = 10^-n\n    print((sin(h) - 0) / h)\n```\n\nIt goes to 1, but for very small h it gets *worse* again. Why?",
            ),
            (
                "grace",
                1,
                "Rounding: you subtract two numbers that are nearly equal.",
            ),
            ("bob", 2, "So there is a best h?"),
            (
                "tina",
                3,
                "Yes, about the square root of the machine precision. Nice experiment!",
            ),
        ],
    },
    Thread {
        category: CALCULUS,
        title: "Integration by parts: how to choose u",
        posts: &[
            ("alice", 0, "Is there more to it than the LIATE rule?"),
            (
                "erin",
                1,
                "Choose what gets *simpler* when you differentiate it. LIATE is just that, as a list.",
            ),
            ("alice", 2, "That is easier to remember than the word."),
        ],
    },
    Thread {
        category: CALCULUS,
        title: "Notes from the missed lecture",
        posts: &[
            (
                "frank",
                0,
                "I was ill on Tuesday. Could somebody share notes on the chain rule?",
            ),
            (
                "heidi",
                1,
                "Scanned them, they are in the shared folder. The examples at the end are the important part.",
            ),
            ("frank", 2, "You are the best, thank you! :heart:"),
        ],
    },
    Thread {
        category: CALCULUS,
        title: "A series that surprised me",
        posts: &[
            (
                "carol",
                0,
                "1 - 1/2 + 1/3 - 1/4 + ... is ln 2, but if you *reorder* the terms you can get any number you like?!",
            ),
            ("ivan", 1, "Yes, because it converges only conditionally."),
            ("carol", 2, "That feels illegal."),
            (
                "tina",
                3,
                "It is the best reason to be careful with infinity. :rocket:",
            ),
        ],
    },
];
