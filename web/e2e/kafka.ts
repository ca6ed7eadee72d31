import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { gateway } from "./browser";

const run = promisify(execFile);
/** A broker that is looked for in vain is looked for long. */
const LIMIT_MS = 20_000;

/** Produces a message with kcat, which shares no code with the product; returns when the broker has it. */
export function produce(topic: string, key: string, message: object): Promise<void> {
  return produceAll(topic, [[key, message]]);
}

async function produceAll(topic: string, messages: readonly (readonly [key: string, message: object])[]): Promise<void> {
  const { kafka } = (await (await fetch(`${gateway}/readyz`)).json()) as { kafka: string };
  const kcat = run("kcat", ["-P", "-b", kafka, "-t", topic, "-K", "\t", "-X", "topic.metadata.refresh.fast.interval.ms=50"], { timeout: LIMIT_MS });
  kcat.child.stdin?.end(messages.map(([key, message]) => `${key}\t${JSON.stringify(message)}\n`).join(""));
  await kcat;
}

/** Describes so many events of one user, titled by their numbers. */
export function createEvents(userId: string, count: number): Promise<void> {
  const occurredAt = new Date().toISOString();
  return produceAll(
    "event.created",
    Array.from({ length: count }, (_, index) => {
      const eventId = `${userId}-${index}`;
      return [eventId, { eventId, eventTitle: `목록 ${String(index).padStart(2, "0")}`, userId, occurredAt, totalInvestment: "1000.00", expectedRevenue: "1000.00" }] as const;
    }),
  );
}

/** Describes an event that nobody else knows, and gives its id. */
export async function createEvent(title: string): Promise<string> {
  const eventId = `pages-${Date.now().toString(36)}`;
  await produce("event.created", eventId, {
    eventId,
    eventTitle: title,
    userId: "pages-user",
    totalInvestment: "1000.00",
    expectedRevenue: "2500.00",
    occurredAt: new Date().toISOString(),
  });
  return eventId;
}

/** Registers somebody for an event, now. */
export function register(eventId: string, participantId: string): Promise<void> {
  return produce("participant.registered", eventId, {
    eventId,
    participantId,
    channelName: "우리동네TV",
    channelType: "TV",
    occurredAt: new Date().toISOString(),
  });
}
