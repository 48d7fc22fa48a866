//! How far two texts are apart, and small HTML diffs for revisions.

use super::escape;

/// Whether turning `old` into `new` takes more than `limit` inserted and removed characters
/// (contract section 6.3: `editing_grace_period_max_diff`).
pub fn exceeds(old: &str, new: &str, limit: usize) -> bool {
    let a: Vec<char> = old.chars().collect();
    let b: Vec<char> = new.chars().collect();
    let head = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let a = a.get(head..).unwrap_or(&[]);
    let b = b.get(head..).unwrap_or(&[]);
    let tail = a
        .iter()
        .rev()
        .zip(b.iter().rev())
        .take_while(|(x, y)| x == y)
        .count();
    let a = a.get(..a.len() - tail).unwrap_or(&[]);
    let b = b.get(..b.len() - tail).unwrap_or(&[]);
    a.len().abs_diff(b.len()) > limit || (a.len() + b.len() > limit && greedy_exceeds(a, b, limit))
}

/// Greedy shortest edit script, given up beyond `limit`.
fn greedy_exceeds(a: &[char], b: &[char], limit: usize) -> bool {
    let width = 2 * limit + 3;
    let middle = limit + 1;
    let mut furthest = vec![0_usize; width];
    for steps in 0..=limit {
        let mut diagonal = middle - steps;
        while diagonal <= middle + steps {
            let left = furthest.get(diagonal - 1).copied().unwrap_or(0);
            let right = furthest.get(diagonal + 1).copied().unwrap_or(0);
            let down = diagonal == middle - steps || (diagonal != middle + steps && left < right);
            let mut x = if down { right } else { left + 1 };
            if steps == 0 {
                x = 0;
            }
            // y = x - k with k = diagonal - middle, kept unsigned.
            let mut y = (x + middle).saturating_sub(diagonal);
            while x < a.len() && y < b.len() && a.get(x) == b.get(y) {
                x += 1;
                y += 1;
            }
            if let Some(slot) = furthest.get_mut(diagonal) {
                *slot = x;
            }
            if x >= a.len() && y >= b.len() {
                return false;
            }
            diagonal += 2;
        }
    }
    true
}

/// The common head and tail of two texts by word, with the middles marked.
fn marked(old: &str, new: &str) -> (String, String, String) {
    let a: Vec<&str> = old.split_inclusive(' ').collect();
    let b: Vec<&str> = new.split_inclusive(' ').collect();
    let head = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let room = a.len().min(b.len()) - head;
    let tail = a
        .iter()
        .rev()
        .zip(b.iter().rev())
        .take(room)
        .take_while(|(x, y)| x == y)
        .count();
    let part = |words: &[&str]| escape(&words.concat());
    let removed = part(a.get(head..a.len() - tail).unwrap_or(&[]));
    let added = part(b.get(head..b.len() - tail).unwrap_or(&[]));
    let start = part(a.get(..head).unwrap_or(&[]));
    let end = part(a.get(a.len() - tail..).unwrap_or(&[]));
    let del = if removed.is_empty() {
        String::new()
    } else {
        format!("<del>{removed}</del>")
    };
    let ins = if added.is_empty() {
        String::new()
    } else {
        format!("<ins>{added}</ins>")
    };
    (
        format!("{start}{del}{ins}{end}"),
        format!("{start}{del}{end}"),
        format!("{start}{ins}{end}"),
    )
}

/// The `inline` form of a change.
pub fn inline(old: &str, new: &str) -> String {
    format!(
        "<div class=\"inline-diff\"><p>{}</p></div>",
        marked(old, new).0
    )
}

/// The `side_by_side` form of a change.
pub fn side_by_side(old: &str, new: &str) -> String {
    let (_, left, right) = marked(old, new);
    format!(
        "<div class=\"revision-content\"><p>{left}</p></div><div class=\"revision-content\"><p>\
         {right}</p></div>"
    )
}

/// The `side_by_side_markdown` form of a change.
pub fn markdown_table(old: &str, new: &str) -> String {
    let (_, left, right) = marked(old, new);
    format!(
        "<table class=\"markdown\"><tr><td class=\"diff-del\">{left}</td><td \
         class=\"diff-ins\">{right}</td></tr></table>"
    )
}

#[cfg(test)]
mod tests {
    use super::{exceeds, inline};

    /// The same by dynamic programming, slow and plain.
    fn distance(old: &str, new: &str) -> usize {
        let a: Vec<char> = old.chars().collect();
        let b: Vec<char> = new.chars().collect();
        let mut row: Vec<usize> = (0..=b.len()).collect();
        for (i, x) in a.iter().enumerate() {
            let mut last = row[0];
            row[0] = i + 1;
            for (j, y) in b.iter().enumerate() {
                let kept = if x == y { last } else { usize::MAX };
                last = row[j + 1];
                row[j + 1] = kept.min(row[j] + 1).min(last + 1);
            }
        }
        row[b.len()]
    }

    #[test]
    fn the_limit_is_exact() {
        let texts = [
            "",
            "a",
            "abc",
            "kitten",
            "sitting",
            "a long text of words",
            "words of a long text",
        ];
        for old in texts {
            for new in texts {
                let real = distance(old, new);
                for limit in 0..12 {
                    assert_eq!(
                        exceeds(old, new, limit),
                        real > limit,
                        "{old} {new} {limit} {real}"
                    );
                }
            }
        }
    }

    #[test]
    fn changes_are_marked() {
        assert_eq!(
            inline("a big cat", "a <small> cat"),
            "<div class=\"inline-diff\"><p>a <del>big </del><ins>&lt;small&gt; </ins>cat</p></div>"
        );
    }
}
