import { useMutation } from "@tanstack/react-query";
import { toGatewayError } from "../gateway/errors";
import { download, save } from "../gateway/download";
import { useLocale } from "../i18n/locale";
import { DownloadIcon } from "../ui/icons";
import { csvAddress, fileName } from "./csv";
import type { Subject } from "./useTimeline";
import type { TimelineParams } from "./useTimelineParams";

/** Keeps what the chart shows as a table for a spreadsheet. */
export function CsvButton({ subject, params }: { subject: Subject; params: TimelineParams }) {
  const { t } = useLocale();
  const fetching = useMutation({
    mutationFn: () => download(csvAddress(subject, params)),
    onSuccess: ({ content, disposition }) => save(content, fileName(disposition)),
  });
  return (
    <>
      {fetching.isError ? (
        <p className="chart-fault" role="alert">
          {t.error.texts[toGatewayError(fetching.error).code]}
        </p>
      ) : null}
      <button type="button" className="button quiet" disabled={fetching.isPending} onClick={() => fetching.mutate()}>
        <DownloadIcon />
        {t.timeline.csv}
      </button>
    </>
  );
}
