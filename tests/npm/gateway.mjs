// The gateway that the tests talk to. Whoever runs them names it, and an event that it knows.
const named = (variable) => process.env[variable] ?? fail(variable);

function fail(variable) {
  throw new Error(`${variable} is not set: run the tests through \`make integration TEST=clients\``);
}

export const base = named("PULSEGATE_URL");
export const graphqlUrl = `${base}/graphql`;
export const eventId = named("EVENT_ID");
/** Somebody registers for it all the time. */
export const liveEventId = named("LIVE_EVENT_ID");
