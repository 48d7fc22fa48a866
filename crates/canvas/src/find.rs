//! Looks for what we may have created when the answer was lost (contract canvas §14): by the hidden span in the text.

use model::{CreateKey, Kind, RemoteId, RemoteItem, Sighting};

use crate::address::{self, TopicId};
use crate::failure::{Reason, Trouble};
use crate::people::Members;
use crate::port::Canvas;
use crate::privacy;
use crate::probe::Probed;
use crate::read::Posts;
use crate::translate::{Post, topic_item};
use crate::wire::Topic;

impl Canvas {
    /// The item with our key, if there is one; fails where its absence is not certain.
    pub(crate) async fn find_created(
        &self,
        kind: Kind,
        container: &RemoteId,
        key: &CreateKey,
    ) -> Result<Option<RemoteItem>, Trouble> {
        let probed = self.probed().await?;
        match kind {
            Kind::Topic => {
                self.find_topic(&address::course(container)?, key, &probed)
                    .await
            }
            Kind::Post => {
                self.find_post(&TopicId::read(container)?, key, &probed)
                    .await
            }
            _ => Ok(None),
        }
    }

    /// A search covers titles only, so all messages are read.
    async fn find_topic(
        &self,
        course: &str,
        key: &CreateKey,
        probed: &Probed,
    ) -> Result<Option<RemoteItem>, Trouble> {
        let topics = self.api.topics(course).await?;
        let has_key = |topic: &&Topic| is_marked(topic.message.as_deref(), key);
        let Some(topic) = topics.iter().find(has_key) else {
            return Ok(None);
        };
        let Some(id) = topic.id.clone() else {
            return Ok(None);
        };
        let place = TopicId {
            course: course.to_owned(),
            topic: id.0,
        };
        // The list brings no time; an own create that waits for its date is withheld like any other.
        if let Some(why) = privacy::obstacle(topic, None) {
            return Ok(Some(RemoteItem {
                key: Some(key.clone()),
                ..topic_item(&place, Sighting::Withheld(why.to_owned()))
            }));
        }
        let users = topic.author.iter().filter_map(|author| author.id.clone());
        let users = users.map(|id| id.0).collect();
        let members = self
            .people
            .members(&self.api, course, &users, false)
            .await?;
        Ok(Some(
            self.reader(probed, &members).topic(&place, topic, None),
        ))
    }

    async fn find_post(
        &self,
        place: &TopicId,
        key: &CreateKey,
        probed: &Probed,
    ) -> Result<Option<RemoteItem>, Trouble> {
        let has_key = |post: &&Post| is_marked(post.message.as_deref(), key);
        if probed.schema.has_entries() {
            let term = Some(key.as_str());
            if let Some(posts) = self.live_posts(place, &probed.schema, term).await? {
                if let Some(post) = posts.list.iter().find(has_key) {
                    return self.found(place, post, probed).await.map(Some);
                }
                // A search that found nothing proves little; all entries prove it, in one call for most threads.
                if let Some(Posts {
                    list,
                    is_complete: true,
                    ..
                }) = self.live_posts(place, &probed.schema, None).await?
                {
                    return self.found_in(&list, place, key, probed).await;
                }
            }
        }
        match self.api.view(place).await {
            Ok(answer) => {
                let people = answer.value.participants.unwrap_or_default();
                let built = answer.value.built.unwrap_or_default();
                let new = answer.value.new_entries.unwrap_or_default();
                let posts = crate::read::all_posts([built, new], &people);
                self.found_in(&posts, place, key, probed).await
            }
            Err(trouble) if trouble.reason == Reason::NotFound => Ok(None),
            Err(trouble) if trouble.reason == Reason::NotReady => {
                let posts = self.paged_posts(place).await?;
                match self.found_in(&posts.list, place, key, probed).await? {
                    Some(item) => Ok(Some(item)),
                    None => Err(trouble),
                }
            }
            Err(trouble) => Err(trouble),
        }
    }

    async fn found_in(
        &self,
        posts: &[Post],
        place: &TopicId,
        key: &CreateKey,
        probed: &Probed,
    ) -> Result<Option<RemoteItem>, Trouble> {
        let has_key = |post: &&Post| is_marked(post.message.as_deref(), key);
        match posts.iter().find(has_key) {
            Some(post) => self.found(place, post, probed).await.map(Some),
            None => Ok(None),
        }
    }

    async fn found(
        &self,
        place: &TopicId,
        post: &Post,
        probed: &Probed,
    ) -> Result<RemoteItem, Trouble> {
        let members = self.members_of(place, post).await?;
        Ok(self.reader(probed, &members).post(place, post))
    }

    /// What is known of the author of one entry of ours.
    pub(crate) async fn members_of(
        &self,
        place: &TopicId,
        post: &Post,
    ) -> Result<Members, Trouble> {
        let users = post.author.iter().cloned().collect();
        self.people
            .members(&self.api, &place.course, &users, false)
            .await
    }
}

fn is_marked(message: Option<&str>, key: &CreateKey) -> bool {
    message
        .filter(|message| message.contains(key.as_str()))
        .and_then(markup::find_mark)
        .is_some_and(|found| found == key.as_str())
}
