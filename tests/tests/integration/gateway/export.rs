use sea_orm::sqlx;
use tests::testbed::{Role, Testbed};

use super::fill;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spreadsheet_can_read_the_timeline() {
    let testbed = Testbed::new().await.unwrap();
    let event = fill(&testbed, 1).await.remove(0);
    sqlx::query("UPDATE event_stats SET event_title = '=새해, \"경품\" 이벤트' WHERE event_id = $1")
        .bind(&event)
        .execute(testbed.database())
        .await
        .unwrap();
    let gateway = testbed.start(Role::Serve).await.unwrap();
    let address = |query: &str| format!("{}/export/events/{event}/timeline.csv?{query}", gateway.base());

    let query = "granularity=HOUR&timeZone=Asia/Seoul&from=2026-01-05T00:00:00Z&to=2026-01-05T04:00:00Z\
                 &compareTo=PREVIOUS_PERIOD";
    let answer = reqwest::get(address(query)).await.unwrap();
    assert_eq!(answer.status(), 200);
    let name = answer.headers()["content-disposition"].to_str().unwrap().to_owned();
    assert!(name.contains("filename*=UTF-8''%3D%EC%83%88%ED%95%B4"), "{name}");
    let bytes = answer.bytes().await.unwrap();
    let text = std::str::from_utf8(&bytes).unwrap().strip_prefix('\u{feff}').unwrap();
    let mut lines = text.split("\r\n");
    assert_eq!(
        lines.next().unwrap(),
        "eventId,title,start,end,startUtc,endUtc,participants,views,engagement,conversions,cumulativeParticipants,\
         isPartial,comparedParticipants,comparedViews,comparedEngagement,comparedConversions"
    );
    let title = "\"'=새해, \"\"경품\"\" 이벤트\"";
    assert_eq!(
        lines.nth(1).unwrap(),
        format!(
            "{event},{title},2026-01-05T10:00:00+09:00,2026-01-05T11:00:00+09:00,2026-01-05T01:00:00Z,\
             2026-01-05T02:00:00Z,1,0,0,0,1,false,0,0,0,0"
        )
    );
    assert_eq!(lines.count(), 3, "two more buckets, and the end");

    // As many rows as a timeline may have: they come in several pieces.
    let query = "granularity=MINUTE&from=2026-01-05T00:00:00Z&to=2026-01-12T00:00:00Z";
    let text = reqwest::get(address(query)).await.unwrap().text().await.unwrap();
    let rows: Vec<_> = text.split("\r\n").skip(1).filter(|row| !row.is_empty()).collect();
    assert_eq!(rows.len(), 7 * 24 * 60);
    let sum: i64 = rows.iter().map(|row| row.rsplit(',').nth(5).unwrap().parse::<i64>().unwrap()).sum();
    assert_eq!(sum, 3);

    let query = "granularity=MINUTE&last=P1Y";
    let refused = reqwest::get(address(query)).await.unwrap();
    assert_eq!(refused.status(), 400);
    assert!(refused.text().await.unwrap().contains("buckets"));
    let nothing =
        reqwest::get(format!("{}/export/events/nothing/timeline.csv", gateway.base())).await.unwrap();
    assert_eq!(nothing.status(), 404);
}
