import { explorerPlugin } from "@graphiql/plugin-explorer";
import "@graphiql/plugin-explorer/style.css";
import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { GraphiQL, HISTORY_PLUGIN } from "graphiql";
import "graphiql/setup-workers/vite";
import "graphiql/style.css";
import { createRoot } from "react-dom/client";
import { SubjectDocument } from "../gateway/generated/operations";
import { query } from "../gateway/query";
import { authorization } from "../gateway/token";
import logo from "../ui/pulse.svg";
import { currentTheme } from "../ui/theme";
import { exampleTabs, type Subject } from "./examples";
import "./graphiql.css";

const fetcher = createGraphiQLFetcher({
  url: "/graphql",
  subscriptionUrl: `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/graphql`,
  // The gateway answers whole; asking for parts would only change the media type.
  enableIncrementalDelivery: false,
});

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** The event that changed last, so that the live examples have something to show. */
async function findSubject(): Promise<Subject> {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const until = new Date(Math.ceil((Date.now() + DAY_MS) / HOUR_MS) * HOUR_MS).toISOString();
  const made = { eventId: "evt-0001", userId: "user-01", timeZone, until };
  try {
    const { events } = await query(SubjectDocument, {});
    return { ...made, ...events.nodes[0] };
  } catch {
    // Without a token nothing may be asked yet. The editor is there to set one.
    return made;
  }
}

const theme = currentTheme();
const plugins = [HISTORY_PLUGIN, explorerPlugin()];
const headers = authorization();
const root = document.querySelector("#root");
if (root !== null) {
  createRoot(root).render(
    <GraphiQL
      fetcher={fetcher}
      defaultTabs={exampleTabs(await findSubject())}
      initialHeaders={Object.keys(headers).length === 0 ? "" : JSON.stringify(headers, null, 2)}
      defaultEditorToolsVisibility="variables"
      defaultTheme={theme === "system" ? null : theme}
      plugins={plugins}
    >
      <GraphiQL.Logo>
        <a className="home" href="/">
          <img src={logo} alt="" width="22" height="22" /> Pulsegate
        </a>
      </GraphiQL.Logo>
    </GraphiQL>,
  );
}
