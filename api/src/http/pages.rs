use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{Html, IntoResponse, Response},
};

use super::{
    assets::{file, serve},
    headers::{DASHBOARD, GRAPHIQL, page_policy},
};
use crate::gateway::Gateway;

/// The dashboard, whatever page of it is asked for: it reads the address itself.
pub(super) async fn dashboard(headers: HeaderMap) -> Response {
    page(&headers, "index.html", DASHBOARD)
}

/// GraphiQL, where it is switched on.
pub(super) async fn graphiql(State(gateway): State<Gateway>, headers: HeaderMap) -> Response {
    if gateway.0.settings.graphiql {
        page(&headers, "graphiql.html", GRAPHIQL)
    } else {
        (StatusCode::NOT_FOUND, "GraphiQL is switched off here (GRAPHIQL).\n").into_response()
    }
}

fn page(headers: &HeaderMap, name: &str, needs: &str) -> Response {
    match file(name) {
        Some(file) => serve(headers, file, "no-cache", page_policy(headers, needs)),
        None => (StatusCode::NOT_FOUND, Html(NOT_BUILT)).into_response(),
    }
}

const NOT_BUILT: &str = "<!doctype html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<title>Pulsegate</title>
<h1>Pulsegate is running, without its web part</h1>
<p>The pages were not there when this binary was built. Install Node 20 or later, run
<code>npm ci &amp;&amp; npm run build</code> in the folder <code>web</code>, and build the binary again.
<p>The API is at <a href=\"/graphql\"><code>/graphql</code></a>, its schema at
<a href=\"/schema.graphql\"><code>/schema.graphql</code></a>.
</html>
";
