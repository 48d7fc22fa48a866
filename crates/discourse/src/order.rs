//! The posts of a topic in the order in which they can be mirrored: parents before their answers.

use std::collections::{HashMap, HashSet};

use crate::wire::post::{Post, PostType};

/// A post that is somebody's words, with the post it answers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Placed<'a> {
    pub post: &'a Post,
    /// The id of the post it answers; `None` for an answer to the topic.
    pub parent: Option<i64>,
}

/// The posts by number, each after the one it answers, without the first post and without what is nobody's words.
///
/// Answers point by number; the number may belong to the first post, to a whisper, or to nothing at all
/// (65 of 10,070 recorded ones, contract discourse §5.1): then the post answers the topic.
pub(crate) fn arrange(posts: &[Post]) -> Vec<Placed<'_>> {
    let mut words: Vec<&Post> = posts
        .iter()
        .filter(|post| post.kind() == PostType::Words && !post.is_first())
        .collect();
    words.sort_by_key(|post| (post.post_number, post.id));
    words.dedup_by_key(|post| post.id);
    let by_number: HashMap<i64, &Post> = words
        .iter()
        .filter_map(|post| Some((post.post_number?, *post)))
        .collect();
    let mut done = HashSet::new();
    let mut arranged = Vec::with_capacity(words.len());
    for post in words {
        // After a merge an answer can have a smaller number than its parent: the parents go first.
        let mut chain = vec![post];
        let mut seen = HashSet::from([post.id]);
        let mut current = post;
        while let Some(parent) = parent_of(current, &by_number) {
            if done.contains(&parent.id) || !seen.insert(parent.id) {
                break;
            }
            chain.push(parent);
            current = parent;
        }
        for post in chain.into_iter().rev() {
            if done.insert(post.id) {
                // A parent that is not out yet would be its own descendant: a circle, cut here.
                let parent = parent_of(post, &by_number).map(|parent| parent.id);
                let parent = parent.filter(|parent| done.contains(parent) && *parent != post.id);
                arranged.push(Placed { post, parent });
            }
        }
    }
    arranged
}

fn parent_of<'a>(post: &Post, by_number: &HashMap<i64, &'a Post>) -> Option<&'a Post> {
    by_number.get(&post.reply_to_post_number?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(id: i64, number: i64, kind: i64, answers: Option<i64>) -> Post {
        serde_json::from_value(serde_json::json!({
            "id": id, "post_number": number, "post_type": kind, "reply_to_post_number": answers,
        }))
        .unwrap()
    }

    fn check(posts: &[Post], expected: &[(i64, Option<i64>)]) {
        let got: Vec<_> = arrange(posts)
            .iter()
            .map(|placed| (placed.post.id, placed.parent))
            .collect();
        assert_eq!(got, expected);
    }

    #[test]
    fn answers_to_the_first_post_and_to_nothing_answer_the_topic() {
        let posts = [
            post(10, 1, 1, None),
            post(11, 2, 1, Some(1)),
            post(12, 3, 1, Some(2)),
            post(13, 4, 1, Some(77)),
        ];
        check(&posts, &[(11, None), (12, Some(11)), (13, None)]);
    }

    #[test]
    fn small_actions_and_whispers_are_left_out_and_nobody_answers_them() {
        let posts = [
            post(11, 2, 3, None),
            post(12, 3, 4, None),
            post(13, 4, 1, Some(2)),
            post(14, 5, 2, None),
        ];
        check(&posts, &[(13, None), (14, None)]);
    }

    #[test]
    fn a_parent_with_a_higher_number_goes_first() {
        let posts = [
            post(11, 2, 1, Some(4)),
            post(12, 3, 1, None),
            post(13, 4, 1, Some(3)),
        ];
        check(&posts, &[(12, None), (13, Some(12)), (11, Some(13))]);
    }

    #[test]
    fn a_circle_is_cut() {
        let posts = [
            post(11, 2, 1, Some(3)),
            post(12, 3, 1, Some(2)),
            post(13, 4, 1, Some(4)),
        ];
        check(&posts, &[(12, None), (11, Some(12)), (13, None)]);
    }
}
