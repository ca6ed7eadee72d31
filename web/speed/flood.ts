import type { Page, WebSocketRoute } from "playwright-core";

type Point = { start: string; participants: number; cumulativeParticipants: number };
interface Payloads {
  timelineUpdated: { kind: string; points: Point[]; totalParticipants: number };
  eventUpdated: { event: { totalParticipants: number; channels: { participants: number }[] } };
}
type Feed = keyof Payloads;
interface Next<Name extends Feed> {
  id: string;
  type: string;
  payload: { data: Pick<Payloads, Name> };
}

/** The page's socket as the gateway feeds it, and messages of the same kind that nobody produced. */
export class Flood {
  private route: WebSocketRoute | undefined;
  private readonly latest: { [Name in Feed]?: Next<Name> } = {};
  private timer: ReturnType<typeof setInterval> | undefined;
  private sent = 0;

  async install(page: Page): Promise<void> {
    await page.routeWebSocket(/\/graphql$/u, (route) => {
      const server = route.connectToServer();
      this.route = route;
      server.onMessage((message) => {
        this.remember(String(message));
        // Once the flood has begun, the numbers are its own.
        if (this.timer === undefined || !String(message).includes('"next"')) {
          route.send(message);
        }
      });
    });
  }

  isReady(): boolean {
    return this.latest.timelineUpdated !== undefined && this.latest.eventUpdated !== undefined;
  }

  /** Sends so many updates of each feed a second from now on. */
  start(perSecond: number): void {
    clearInterval(this.timer);
    this.timer = setInterval(() => this.sendBoth(), 1_000 / perSecond);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private remember(message: string): void {
    if (this.timer !== undefined) {
      return;
    }
    const next = JSON.parse(message) as Next<Feed>;
    if (next.type === "next" && "timelineUpdated" in next.payload.data && next.payload.data.timelineUpdated.kind === "SNAPSHOT") {
      this.latest.timelineUpdated = next as Next<"timelineUpdated">;
    } else if (next.type === "next" && "eventUpdated" in next.payload.data) {
      this.latest.eventUpdated = next as Next<"eventUpdated">;
    }
  }

  /** One more participant, as both feeds would tell it. */
  private sendBoth(): void {
    const { timelineUpdated: timeline, eventUpdated: event } = this.latest;
    this.sent += 1;
    if (timeline !== undefined) {
      const update = timeline.payload.data.timelineUpdated;
      const points = update.points
        .slice(-1)
        .map((point) => ({ ...point, participants: point.participants + this.sent, cumulativeParticipants: point.cumulativeParticipants + this.sent }));
      const data = { timelineUpdated: { ...update, kind: "DELTA", points, totalParticipants: update.totalParticipants + this.sent } };
      this.route?.send(JSON.stringify({ ...timeline, payload: { data } }));
    }
    if (event !== undefined) {
      const former = event.payload.data.eventUpdated;
      const channels = former.event.channels.map((channel) => ({ ...channel, participants: channel.participants + this.sent }));
      const data = { eventUpdated: { ...former, event: { ...former.event, channels, totalParticipants: former.event.totalParticipants + this.sent } } };
      this.route?.send(JSON.stringify({ ...event, payload: { data } }));
    }
  }
}
