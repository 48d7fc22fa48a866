//! Which pages of Discourse and of Canvas show the same item, looked up from either side.
//!
//! An item can have several pages in Discourse (`/t/7/3` and `/p/35` are one post) and has one in Canvas. Must not
//! know how addresses are spelled.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Pages, as paths.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "BTreeMap<String, String>", into = "BTreeMap<String, String>")]
pub struct Pages {
    canvas: BTreeMap<Arc<str>, Arc<str>>,
    discourse: BTreeMap<Arc<str>, Arc<str>>,
}

impl Pages {
    /// Notes that a page of Discourse and a page of Canvas show the same item. Of several pages of one item in
    /// Discourse the last one noted is linked; `/p/…` only where there is no other.
    pub fn insert(&mut self, discourse: impl Into<Arc<str>>, canvas: impl Into<Arc<str>>) {
        let (discourse, canvas) = (discourse.into(), canvas.into());
        let old = self
            .canvas
            .insert(Arc::clone(&discourse), Arc::clone(&canvas));
        // A page shows one item: the one that it showed before is no longer there.
        if let Some(old) = old.filter(|old| *old != canvas)
            && self.discourse.get(&old) == Some(&discourse)
        {
            self.discourse.remove(&old);
        }
        if !discourse.starts_with("/p/") || !self.discourse.contains_key(&canvas) {
            self.discourse.insert(canvas, discourse);
        }
    }

    /// The page in Canvas of what a page in Discourse shows.
    pub fn in_canvas(&self, discourse: &str) -> Option<&str> {
        self.canvas.get(discourse).map(|page| &**page)
    }

    /// The page in Discourse of what a page in Canvas shows.
    pub fn in_discourse(&self, canvas: &str) -> Option<&str> {
        self.discourse.get(canvas).map(|page| &**page)
    }

    /// How many pages in Discourse are known.
    pub fn len(&self) -> usize {
        self.canvas.len()
    }

    /// Whether none is known.
    pub fn is_empty(&self) -> bool {
        self.canvas.is_empty()
    }

    /// Forgets all but the items for which `keep` says so, by their page in Canvas.
    pub(crate) fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.canvas.retain(|_, canvas| keep(canvas));
        self.discourse.retain(|canvas, _| keep(canvas));
    }
}

impl From<BTreeMap<String, String>> for Pages {
    fn from(pages: BTreeMap<String, String>) -> Self {
        let mut all = Pages::default();
        for (discourse, canvas) in pages {
            all.insert(discourse, canvas);
        }
        all
    }
}

impl From<Pages> for BTreeMap<String, String> {
    fn from(pages: Pages) -> Self {
        let text = |page: &Arc<str>| page.as_ref().to_owned();
        pages
            .canvas
            .iter()
            .map(|(discourse, canvas)| (text(discourse), text(canvas)))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Pages;

    #[test]
    fn both_pages_of_a_post_lead_to_its_entry_and_back_to_the_better_one() {
        let entry = "/courses/1/discussion_topics/9?entry_id=33";
        for order in [["/p/35", "/t/7/3"], ["/t/7/3", "/p/35"]] {
            let mut pages = Pages::default();
            for page in order {
                pages.insert(page, entry);
            }
            assert_eq!(pages.in_canvas("/p/35"), Some(entry));
            assert_eq!(pages.in_canvas("/t/7/3"), Some(entry));
            assert_eq!(pages.in_discourse(entry), Some("/t/7/3"));
        }
    }

    #[test]
    fn a_moved_post_is_linked_where_it_is_and_its_old_place_is_free() {
        let mut pages = Pages::default();
        pages.insert("/t/7/3", "/a");
        pages.insert("/t/8/1", "/a");
        assert_eq!(pages.in_discourse("/a"), Some("/t/8/1"));
        pages.insert("/t/8/1", "/b");
        assert_eq!(pages.in_discourse("/a"), None);
        assert_eq!(pages.in_discourse("/b"), Some("/t/8/1"));
        pages.retain(|page| page != "/b");
        assert_eq!(pages.in_canvas("/t/8/1"), None);
        assert_eq!((pages.len(), pages.is_empty()), (1, false));
    }
}
