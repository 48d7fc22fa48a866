//! Posts of 1 to 10 KB as people write them in a course, made from a seed.

/// A small generator of numbers; the same seed gives the same posts.
struct Seed(u64);

impl Seed {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        let at = usize::try_from(self.below(u64::try_from(from.len()).unwrap())).unwrap();
        from.get(at).unwrap()
    }
}

const WORDS: &[&str] = &[
    "the",
    "a",
    "of",
    "and",
    "in",
    "reading",
    "argument",
    "because",
    "chapter",
    "however",
    "source",
    "question",
    "week",
    "I",
    "think",
    "that",
    "we",
    "should",
    "compare",
    "both",
    "figures",
    "with",
    "data",
    "from",
    "class",
    "it",
    "is",
    "not",
    "clear",
    "why",
    "author",
    "claims",
    "energy",
    "über",
    "naïve",
    "snake_case",
    "2 * 3",
    "C#",
    "R&D",
    "5 < 6",
    "don't",
    "\"quoted\"",
    "(see above)",
];

/// `count` posts in Discourse Markdown.
pub fn posts(count: usize) -> Vec<String> {
    let mut seed = Seed(7);
    (0..count).map(|_| post(&mut seed)).collect()
}

fn post(seed: &mut Seed) -> String {
    let size = usize::try_from(1_000 + seed.below(9_000)).unwrap();
    let mut out = String::new();
    while out.len() < size {
        if !out.is_empty() {
            out.push_str("\n\n");
        }
        block(seed, &mut out);
    }
    out
}

fn block(seed: &mut Seed, out: &mut String) {
    match seed.below(20) {
        0 => {
            out.push_str("## ");
            words(seed, 5, out);
        }
        1 | 2 => lines(seed, "- ", out),
        3 => lines(seed, "> ", out),
        4 => out.push_str("```python\ndef f(x):\n    return x * 2  # twice\n```"),
        5 => out.push_str("| term | meaning |\n| --- | --- |\n| mean | the **average** |\n| mode | most frequent |"),
        6 => out.push_str("[quote=\"ann, post:3, topic:12\"]\nWhat does the second figure show?\n[/quote]"),
        7 => out.push_str("$$\n\\int_0^1 x^2 \\, dx = \\frac{1}{3}\n$$"),
        _ => paragraph(seed, out),
    }
}

fn lines(seed: &mut Seed, before: &str, out: &mut String) {
    for number in 0..4 {
        if number > 0 {
            out.push('\n');
        }
        out.push_str(before);
        words(seed, 9, out);
    }
}

fn words(seed: &mut Seed, count: usize, out: &mut String) {
    for number in 0..count {
        if number > 0 {
            out.push(' ');
        }
        out.push_str(seed.pick(WORDS));
    }
}

fn paragraph(seed: &mut Seed, out: &mut String) {
    for _ in 0..=seed.below(4) {
        words(seed, 14, out);
        out.push_str(seed.pick(&[
            ". ",
            ", **as said**, ",
            " *really* ",
            ": see [the source](https://example.org/paper?id=4) ",
            " `x = f(y)` ",
            " (@ann_lee) ",
            " $a^2 + b^2$ ",
            ".\n",
        ]));
        words(seed, 6, out);
        out.push('.');
    }
}
