import { useState } from "react";
import { authorization, readToken } from "../gateway/token";
import { useLocale } from "../i18n/locale";
import { csvAddress } from "./csvAddress";
import type { TimelineParams } from "./useTimelineParams";

/** Downloads what the chart shows, as a table for a spreadsheet. */
export function CsvLink({ eventId, params }: { eventId: string; params: TimelineParams }) {
  const { t } = useLocale();
  const [hasFailed, setFailed] = useState(false);
  const address = csvAddress(eventId, params);
  return (
    <a
      className="button csv"
      href={address}
      download={`${eventId}.csv`}
      onClick={(click) => {
        // A link carries no token; only then the page has to fetch the file itself.
        if (readToken() !== null) {
          click.preventDefault();
          void download(address, `${eventId}.csv`).then(setFailed);
        }
      }}
    >
      {hasFailed ? t.timeline.csvFailed : t.timeline.csv}
    </a>
  );
}

/** @returns whether it failed */
async function download(address: string, name: string): Promise<boolean> {
  const response = await fetch(address, { headers: authorization() }).catch(() => null);
  if (response === null || !response.ok) {
    return true;
  }
  const url = URL.createObjectURL(await response.blob());
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
  return false;
}
