//! Pairs the blocks of an edited stretch with those they were made from, by the words they share.
//!
//! A block that somebody put beside an edited one is then seen as new, and no longer as part of the edit.

use crate::piece::Piece;
use std::collections::HashMap;

/// Pairs that are compared at most; a longer stretch is not taken apart.
const MAX_PAIRS: usize = 400;
/// Bytes of source that are compared at most.
const MAX_BYTES: usize = 64 * 1024;
/// How much of two blocks must be the same, in hundredths, for one to be the other edited.
const ALIKE: usize = 34;

/// For each block of `base` its place in `side`, in order; `None` if the edit both added and removed
/// blocks, or is too large, so that it cannot be taken apart without doubt.
pub(crate) fn pairs(base: &[Piece], side: &[Piece]) -> Option<Vec<Option<usize>>> {
    let bytes: usize = base
        .iter()
        .chain(side)
        .map(|piece| piece.source.len())
        .sum();
    if base.len() * side.len() > MAX_PAIRS || bytes > MAX_BYTES {
        return None;
    }
    let scores: Vec<Vec<usize>> = base
        .iter()
        .map(|old| side.iter().map(|new| likeness(old, new)).collect())
        .collect();
    let chosen = best_in_order(&scores, side.len());
    let paired = chosen.iter().flatten().count();
    (paired == base.len() || paired == side.len()).then_some(chosen)
}

/// The choice of pairs, none crossing another, with the highest sum.
fn best_in_order(scores: &[Vec<usize>], width: usize) -> Vec<Option<usize>> {
    let score = |row: usize, column: usize| {
        let found = scores.get(row).and_then(|row| row.get(column));
        found.copied().unwrap_or(0)
    };
    // best[row][column]: the highest sum with the rows from `row` and the columns from `column`.
    let mut best = vec![vec![0; width + 1]; scores.len() + 1];
    let at = |best: &[Vec<usize>], row: usize, column: usize| {
        let found = best.get(row).and_then(|row| row.get(column));
        found.copied().unwrap_or(0)
    };
    for row in (0..scores.len()).rev() {
        for column in (0..width).rev() {
            let skip = at(&best, row + 1, column).max(at(&best, row, column + 1));
            let pair = match score(row, column) {
                0 => 0,
                score => score + at(&best, row + 1, column + 1),
            };
            if let Some(cell) = best.get_mut(row).and_then(|row| row.get_mut(column)) {
                *cell = skip.max(pair);
            }
        }
    }
    let mut chosen = Vec::with_capacity(scores.len());
    let mut column = 0;
    for row in 0..scores.len() {
        while column < width && at(&best, row, column) == at(&best, row, column + 1) {
            column += 1;
        }
        let gain = at(&best, row, column) > at(&best, row + 1, column);
        chosen.push((gain && column < width).then_some(column));
        column += usize::from(gain);
    }
    chosen
}

/// How much of two blocks of one kind is the same, in hundredths; 0 for too little.
fn likeness(old: &Piece, new: &Piece) -> usize {
    let kinds = old.blocks.len() == new.blocks.len()
        && old
            .blocks
            .iter()
            .zip(&new.blocks)
            .all(|(old, new)| std::mem::discriminant(old) == std::mem::discriminant(new));
    if !kinds {
        return 0;
    }
    let mut words: HashMap<&str, usize> = HashMap::new();
    let mut count = 0usize;
    for word in split(&old.source) {
        *words.entry(word).or_default() += 1;
        count += 1;
    }
    let mut shared = 0usize;
    for word in split(&new.source) {
        count += 1;
        if let Some(left) = words.get_mut(word).filter(|left| **left > 0) {
            *left -= 1;
            shared += 2;
        }
    }
    let hundredths = (shared * 100).checked_div(count).unwrap_or(100);
    if hundredths < ALIKE { 0 } else { hundredths }
}

fn split(source: &str) -> impl Iterator<Item = &str> {
    source
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::pairs;
    use crate::context::{Context, Dialect};
    use crate::piece;

    fn check(base: &str, side: &str, expected: Option<&[Option<usize>]>) {
        let [base, side] = [base, side]
            .map(|body| piece::cut(body, Dialect::DiscourseMarkdown, &Context::default()).list);
        assert_eq!(pairs(&base, &side).as_deref(), expected);
    }

    #[test]
    fn finds_which_block_became_which() {
        check("one two", "zero\n\none blue", Some(&[Some(1)]));
        check("one two", "one blue\n\nthree", Some(&[Some(0)]));
        check(
            "one two\n\nthree four",
            "three five",
            Some(&[None, Some(0)]),
        );
        check("one two", "# one two", None);
        check("one two\n\nthree four", "five six\n\none two", None);
        check(
            "a b\n\nc d\n\ne f",
            "a b x\n\nnew\n\nc d y\n\ne f",
            Some(&[Some(0), Some(2), Some(3)]),
        );
    }
}
