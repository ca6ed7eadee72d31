import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Route, Switch } from "wouter";
import { EventPage } from "../event/EventPage";
import { GatewayError } from "../gateway/errors";
import { createLocale, LocaleContext, preferredLanguage, type Language } from "../i18n/locale";
import { OverviewPage } from "../overview/OverviewPage";
import { UserPage } from "../overview/UserPage";
import { readLanguage, writeLanguage } from "./language";
import { Shell } from "./Shell";

const MAX_RETRIES = 3;
/** The first pause; each one after is twice as long. Then somebody is told. */
const RETRY_MS = 400;

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      // What is on the page is kept current by its feeds.
      refetchOnWindowFocus: false,
      retry: (failures, error) => error instanceof GatewayError && error.isTransient && failures < MAX_RETRIES,
      retryDelay: (failures) => RETRY_MS * 2 ** failures,
    },
  },
});

export function App() {
  const [locale, setLocale] = useState(() => createLocale(readLanguage() ?? preferredLanguage(navigator.languages)));
  useEffect(() => {
    document.documentElement.lang = locale.language;
  }, [locale]);
  const choose = (language: Language): void => {
    writeLanguage(language);
    setLocale(createLocale(language));
  };

  return (
    <QueryClientProvider client={queries}>
      <LocaleContext value={locale}>
        <Shell onLanguage={choose}>
          <Switch>
            <Route path="/events/:eventId">{({ eventId }) => <EventPage key={eventId} eventId={decodeURIComponent(eventId)} />}</Route>
            <Route path="/users/:userId">{({ userId }) => <UserPage key={userId} userId={decodeURIComponent(userId)} />}</Route>
            <Route>
              <OverviewPage />
            </Route>
          </Switch>
        </Shell>
      </LocaleContext>
    </QueryClientProvider>
  );
}
