use async_graphql::{ID, Interface};
use service::read::With;

use super::{
    channel::ChannelAnalytics, event::EventAnalytics, global_id::GlobalId, loaders::Loaders,
    user::UserAnalytics,
};
use crate::error::Fault;

/// Anything that has an id of its own.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "Opaque; `node(id:)` takes it."))]
pub(crate) enum Node {
    Event(EventAnalytics),
    Channel(ChannelAnalytics),
    User(UserAnalytics),
}

impl Node {
    /// `None` where there is no such thing, or where it is not the viewer's. An event is read `with` what will be asked for
    /// next.
    pub(crate) async fn find(
        loaders: &Loaders,
        argument: &str,
        id: &str,
        with: With,
    ) -> Result<Option<Self>, Fault> {
        let id = GlobalId::decode(id).ok_or_else(|| {
            Fault::input(argument, "is no id of this API; use an `id` from an answer, unchanged")
        })?;
        Ok(match id {
            GlobalId::Event(event) => {
                loaders.event(event, with).await?.map(|entry| Self::Event(EventAnalytics(entry)))
            }
            GlobalId::User(user) => {
                loaders.reader().viewer.may_see(&user).then(|| Self::User(UserAnalytics::of(user)))
            }
            GlobalId::Channel(event, name) => match loaders.event(event, With::Nothing).await? {
                Some(entry) => {
                    let channel = loaders.channel(&entry, name).await?;
                    channel.map(|channel| Self::Channel(ChannelAnalytics::new(channel, &entry.event)))
                }
                None => None,
            },
        })
    }
}
