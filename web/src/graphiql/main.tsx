import { explorerPlugin } from "@graphiql/plugin-explorer";
import "@graphiql/plugin-explorer/style.css";
import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { GraphiQL, HISTORY_PLUGIN } from "graphiql";
import "graphiql/setup-workers/vite";
import "graphiql/style.css";
import { createRoot } from "react-dom/client";
import { SubjectDocument } from "../gateway/generated/operations";
import { toGatewayError } from "../gateway/errors";
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

/** What the page begins with. */
interface Start {
  readonly subject: Subject;
  /** Whether the gateway wants a token, and this tab has none that it takes. */
  readonly isRefused: boolean;
}

/** Begins with the event that changed last, so that the live examples have something to show. */
async function start(): Promise<Start> {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const until = new Date(Math.ceil((Date.now() + DAY_MS) / HOUR_MS) * HOUR_MS).toISOString();
  const made = { eventId: "evt-0001", userId: "user-01", timeZone, until };
  try {
    const { events } = await query(SubjectDocument, {});
    return { subject: { ...made, ...events.nodes[0] }, isRefused: false };
  } catch (error) {
    // The editor is there to mend whatever it was.
    return { subject: made, isRefused: toGatewayError(error).code === "UNAUTHENTICATED" };
  }
}

const theme = currentTheme();
const plugins = [HISTORY_PLUGIN, explorerPlugin()];
const { subject, isRefused } = await start();
const known = authorization();
/** Where a token is wanted, its place is shown. */
const wanted = isRefused && Object.keys(known).length === 0 ? { Authorization: "Bearer " } : known;
const headers = Object.keys(wanted).length === 0 ? "" : JSON.stringify(wanted, null, 2);
const root = document.querySelector("#root");
if (root !== null) {
  createRoot(root).render(
    <GraphiQL
      fetcher={fetcher}
      defaultTabs={exampleTabs(subject, headers)}
      initialHeaders={headers}
      defaultHeaders={headers}
      defaultEditorToolsVisibility={isRefused ? "headers" : "variables"}
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
