import { useLocale } from "../i18n/locale";
import { useTitle } from "../ui/useTitle";
import { Overview } from "./Overview";
import { OwnTotals } from "./UserPage";
import { useViewer } from "./useUser";

/** All events that the viewer may see. */
export function OverviewPage() {
  const { t } = useLocale();
  const viewer = useViewer();
  useTitle(t.overview.title);
  return (
    <Overview title={t.overview.title} userId={null}>
      {viewer === null ? null : <OwnTotals userId={viewer} />}
    </Overview>
  );
}
