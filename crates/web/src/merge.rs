//! Two sides of a conflict as blocks: what they share, and where a person chooses. Pure.

use model::{Conflict, Dialect, Record, System};
use similar::{ChangeTag, DiffOp, TextDiff};

/// A stretch of two bodies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stretch {
    /// Both say the same.
    Same(String),
    /// They differ: the left one's and the right one's text, either empty.
    Differ(String, String),
}

/// Words that stay, go or come.
pub(crate) type Words = Vec<(ChangeTag, String)>;

/// The body of a record in Discourse Markdown, so that both sides can be compared.
pub(crate) fn markdown(record: &Record) -> String {
    record
        .body()
        .map_or_else(String::new, |body| match body.dialect {
            Dialect::DiscourseMarkdown => body.source.clone(),
            Dialect::CanvasHtml => {
                markup::canvas_to_discourse(&body.source, &markup::Context::default()).text
            }
        })
}

/// The body of a record as clean HTML, for a preview.
pub(crate) fn html(markdown: &str) -> String {
    markup::discourse_to_canvas(markdown, &markup::Context::default()).text
}

/// The two sides that a conflict is between, remote ones first.
pub(crate) fn sides(conflict: &Conflict) -> Option<[(System, &Record); 2]> {
    let mut sides = System::ALL
        .into_iter()
        .filter_map(|system| Some((system, conflict.sides.get(&system)?)));
    Some([sides.next()?, sides.next()?])
}

/// The words that change from one text to another.
pub(crate) fn words(from: &str, to: &str) -> Words {
    let diff = TextDiff::from_unicode_words(from, to);
    let mut words: Words = Vec::new();
    for change in diff.iter_all_changes() {
        match words.last_mut() {
            Some((tag, text)) if *tag == change.tag() => text.push_str(change.value()),
            _ => words.push((change.tag(), change.value().to_owned())),
        }
    }
    words
}

/// Paragraphs as blocks.
fn blocks(text: &str) -> Vec<&str> {
    text.split("\n\n")
        .map(str::trim_end)
        .filter(|block| !block.is_empty())
        .collect()
}

/// Both bodies, stretch by stretch.
pub(crate) fn stretches(left: &str, right: &str) -> Vec<Stretch> {
    let (left, right) = (blocks(left), blocks(right));
    let join = |blocks: &[&str], range: std::ops::Range<usize>| {
        blocks.get(range).unwrap_or_default().join("\n\n")
    };
    let operations = similar::capture_diff_slices(similar::Algorithm::Myers, &left, &right);
    operations
        .into_iter()
        .map(|operation| match operation {
            DiffOp::Equal { .. } => Stretch::Same(join(&left, operation.old_range())),
            _ => Stretch::Differ(
                join(&left, operation.old_range()),
                join(&right, operation.new_range()),
            ),
        })
        .collect()
}

/// The text that choices make: `left`, `right` or `both` for each stretch that differs; the left one where none is
/// given.
pub(crate) fn combine(stretches: &[Stretch], choices: &[String]) -> String {
    let mut choices = choices.iter().map(String::as_str);
    let mut parts: Vec<&str> = Vec::new();
    for stretch in stretches {
        match stretch {
            Stretch::Same(text) => parts.push(text),
            Stretch::Differ(left, right) => match choices.next() {
                Some("right") => parts.push(right),
                Some("both") => parts.extend([left.as_str(), right.as_str()]),
                _ => parts.push(left),
            },
        }
    }
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_chosen_one_by_one() {
        let stretches = stretches(
            "one\n\ntwo\n\nthree\n\nfour",
            "one\n\nzwei\n\nthree\n\nvier",
        );
        assert_eq!(stretches.len(), 4);
        let choose = |choices: &[&str]| {
            combine(
                &stretches,
                &choices
                    .iter()
                    .map(|&choice| choice.to_owned())
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(choose(&["right", "left"]), "one\n\nzwei\n\nthree\n\nfour");
        assert_eq!(
            choose(&["both", "right"]),
            "one\n\ntwo\n\nzwei\n\nthree\n\nvier"
        );
        assert_eq!(choose(&[]), "one\n\ntwo\n\nthree\n\nfour");
    }

    #[test]
    fn words_that_come_and_go_are_marked() {
        let words = words("the old word", "the new word");
        let of = |tag| {
            words
                .iter()
                .filter(|(found, _)| *found == tag)
                .map(|(_, text)| text.as_str())
                .collect::<String>()
        };
        assert_eq!(of(ChangeTag::Delete), "old");
        assert_eq!(of(ChangeTag::Insert), "new");
    }
}
