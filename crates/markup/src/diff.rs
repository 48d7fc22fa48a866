//! Which items of two sequences correspond, and how two edits of one sequence combine.
//!
//! Knows nothing of documents: it compares anything that can be compared.

use std::collections::HashMap;
use std::hash::Hash;
use std::ops::Range;

/// Largest table of the exact method; longer differences are matched at unique items only.
const MAX_CELLS: usize = 1_000_000;

/// For each item of `a` the item of `b` that it corresponds to; increasing.
pub(crate) fn matches<T: Eq + Hash>(a: &[T], b: &[T]) -> Vec<Option<usize>> {
    let mut found = vec![None; a.len()];
    compare(a, b, (0, 0), &mut found);
    found
}

fn compare<T: Eq + Hash>(a: &[T], b: &[T], at: (usize, usize), found: &mut [Option<usize>]) {
    let head = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let rest = a.len().min(b.len()) - head;
    let tail = a
        .iter()
        .rev()
        .zip(b.iter().rev())
        .take(rest)
        .take_while(|(x, y)| x == y)
        .count();
    for offset in 0..head {
        set(found, at.0 + offset, at.1 + offset);
    }
    for offset in 0..tail {
        set(
            found,
            at.0 + a.len() - tail + offset,
            at.1 + b.len() - tail + offset,
        );
    }
    let a = a.get(head..a.len() - tail).unwrap_or_default();
    let b = b.get(head..b.len() - tail).unwrap_or_default();
    let at = (at.0 + head, at.1 + head);
    if a.is_empty() || b.is_empty() {
        return;
    }
    if a.len().saturating_mul(b.len()) <= MAX_CELLS {
        return exact(a, b, at, found);
    }
    let anchors = anchors(a, b);
    if anchors.is_empty() {
        return;
    }
    let mut from = (0, 0);
    for (x, y) in anchors.into_iter().chain([(a.len(), b.len())]) {
        let left = a.get(from.0..x).unwrap_or_default();
        let right = b.get(from.1..y).unwrap_or_default();
        compare(left, right, (at.0 + from.0, at.1 + from.1), found);
        if x < a.len() {
            set(found, at.0 + x, at.1 + y);
        }
        from = (x + 1, y + 1);
    }
}

fn set(found: &mut [Option<usize>], index: usize, other: usize) {
    if let Some(place) = found.get_mut(index) {
        *place = Some(other);
    }
}

/// The longest common subsequence, by table.
fn exact<T: Eq>(a: &[T], b: &[T], at: (usize, usize), found: &mut [Option<usize>]) {
    let width = b.len() + 1;
    let mut table = vec![0u32; (a.len() + 1) * width];
    let get = |table: &[u32], x: usize, y: usize| table.get(x * width + y).copied().unwrap_or(0);
    for (x, left) in a.iter().enumerate().rev() {
        for (y, right) in b.iter().enumerate().rev() {
            let best = if left == right {
                get(&table, x + 1, y + 1) + 1
            } else {
                get(&table, x + 1, y).max(get(&table, x, y + 1))
            };
            if let Some(cell) = table.get_mut(x * width + y) {
                *cell = best;
            }
        }
    }
    let (mut x, mut y) = (0, 0);
    while let (Some(left), Some(right)) = (a.get(x), b.get(y)) {
        if left == right {
            set(found, at.0 + x, at.1 + y);
            x += 1;
            y += 1;
        } else if get(&table, x + 1, y) >= get(&table, x, y + 1) {
            x += 1;
        } else {
            y += 1;
        }
    }
}

/// Pairs of items that occur once on each side, the longest increasing sequence of them.
fn anchors<T: Eq + Hash>(a: &[T], b: &[T]) -> Vec<(usize, usize)> {
    let (once_a, once_b) = (unique(a), unique(b));
    let mut pairs: Vec<(usize, usize)> = once_a
        .iter()
        .filter_map(|(item, x)| Some(((*x)?, (*once_b.get(item)?)?)))
        .collect();
    pairs.sort_unstable();
    increasing(&pairs)
}

/// Where each item is, if it occurs once.
fn unique<T: Eq + Hash>(items: &[T]) -> HashMap<&T, Option<usize>> {
    let mut places = HashMap::new();
    for (index, item) in items.iter().enumerate() {
        places
            .entry(item)
            .and_modify(|place| *place = None)
            .or_insert(Some(index));
    }
    places
}

/// The longest subsequence in which the second numbers increase too.
fn increasing(pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let mut tops: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(pairs.len());
    let second = |index: usize| pairs.get(index).map_or(0, |pair| pair.1);
    for (index, pair) in pairs.iter().enumerate() {
        let pile = tops.partition_point(|top| second(*top) < pair.1);
        before.push(pile.checked_sub(1).and_then(|pile| tops.get(pile).copied()));
        match tops.get_mut(pile) {
            Some(top) => *top = index,
            None => tops.push(index),
        }
    }
    let mut out = Vec::new();
    let mut at = tops.last().copied();
    while let Some(index) = at {
        out.extend(pairs.get(index).copied());
        at = before.get(index).copied().flatten();
    }
    out.reverse();
    out
}

/// A stretch of a three-way comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stretch {
    /// Unchanged on both sides: ranges of base, left and right of equal length.
    Same(Range<usize>, Range<usize>, Range<usize>),
    /// Only the left side changed it; its range there.
    Left(Range<usize>),
    /// Only the right side changed it, or both in the same way; its range on the right.
    Right(Range<usize>),
    /// Both sides changed it differently: ranges of base, left and right.
    Both(Range<usize>, Range<usize>, Range<usize>),
}

/// How two edits of one sequence combine.
pub(crate) fn three_way<T: Eq + Hash>(base: &[T], left: &[T], right: &[T]) -> Vec<Stretch> {
    let (to_left, to_right) = (matches(base, left), matches(base, right));
    let stable: Vec<(usize, usize, usize)> = (0..base.len())
        .filter_map(|index| {
            Some((
                index,
                to_left.get(index).copied()??,
                to_right.get(index).copied()??,
            ))
        })
        .collect();
    let mut out = Vec::new();
    let (mut b, mut l, mut r) = (0, 0, 0);
    for (nb, nl, nr) in stable
        .into_iter()
        .chain([(base.len(), left.len(), right.len())])
    {
        if (b, l, r) != (nb, nl, nr) {
            out.push(changed((base, b..nb), (left, l..nl), (right, r..nr)));
        }
        if nb < base.len() {
            push_same(&mut out, nb, nl, nr);
        }
        (b, l, r) = (nb + 1, nl + 1, nr + 1);
    }
    out
}

fn push_same(out: &mut Vec<Stretch>, b: usize, l: usize, r: usize) {
    match out.last_mut() {
        Some(Stretch::Same(base, left, right)) => {
            base.end = b + 1;
            left.end = l + 1;
            right.end = r + 1;
        }
        _ => out.push(Stretch::Same(b..b + 1, l..l + 1, r..r + 1)),
    }
}

fn changed<T: Eq>(
    base: (&[T], Range<usize>),
    left: (&[T], Range<usize>),
    right: (&[T], Range<usize>),
) -> Stretch {
    let part = |side: &(&[T], Range<usize>)| side.0.get(side.1.clone()).map(<[T]>::len);
    debug_assert!(part(&base).is_some());
    let items = [&base, &left, &right].map(|side| side.0.get(side.1.clone()).unwrap_or_default());
    let [b, l, r] = items;
    if b == r {
        Stretch::Left(left.1)
    } else if b == l || l == r {
        Stretch::Right(right.1)
    } else {
        Stretch::Both(base.1, left.1, right.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(base: &str, left: &str, right: &str) -> Option<String> {
        let chars = |text: &str| text.chars().collect::<Vec<char>>();
        let (b, l, r) = (chars(base), chars(left), chars(right));
        let mut out = String::new();
        for stretch in three_way(&b, &l, &r) {
            match stretch {
                Stretch::Same(_, range, _) | Stretch::Left(range) => out.extend(&l[range]),
                Stretch::Right(range) => out.extend(&r[range]),
                Stretch::Both(..) => return None,
            }
        }
        Some(out)
    }

    #[test]
    fn edits_in_different_places_combine() {
        assert_eq!(
            merged("abcdef", "abXcdef", "abcdeYf").as_deref(),
            Some("abXcdeYf")
        );
        assert_eq!(merged("abc", "ac", "abcd").as_deref(), Some("acd"));
        assert_eq!(merged("abc", "aXc", "aXc").as_deref(), Some("aXc"));
        assert_eq!(merged("", "x", "").as_deref(), Some("x"));
        assert_eq!(merged("abc", "aXc", "aYc"), None);
    }

    #[test]
    fn long_sequences_match_at_unique_items() {
        let a: Vec<u32> = (0..4_000).collect();
        let mut b = a.clone();
        b.splice(0..1, [9_000, 9_001]);
        b.splice(2_000..2_003, [9_002]);
        b.push(9_003);
        let mut a = a;
        a.push(9_004);
        let kept = matches(&a, &b).into_iter().flatten().count();
        assert_eq!(kept, 4_000 - 1 - 3);
    }
}
