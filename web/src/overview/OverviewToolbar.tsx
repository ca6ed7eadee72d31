import { useLocale } from "../i18n/locale";
import { Segments } from "../ui/Segments";
import { Select } from "../ui/Select";
import { SORTS } from "./sorting";
import { STATUSES, type OverviewParams } from "./useOverviewParams";

const ALL = "ALL";

export function OverviewToolbar({ params, onChange }: { params: OverviewParams; onChange: (change: Partial<OverviewParams>) => void }) {
  const { t } = useLocale();
  return (
    <search className="toolbar">
      <label className="field grow">
        <span className="visually-hidden">{t.overview.search}</span>
        <input
          type="search"
          placeholder={t.overview.search}
          value={params.search}
          maxLength={255}
          onChange={(change) => onChange({ search: change.target.value })}
        />
      </label>
      <Segments
        label={t.overview.status}
        value={params.status ?? ALL}
        options={[{ value: ALL, label: t.overview.all }, ...STATUSES.map((value) => ({ value, label: t.status[value] }))]}
        onChange={(value) => onChange({ status: value === ALL ? null : value })}
      />
      <Select
        label={t.overview.sort}
        value={params.sort}
        options={SORTS.map((value) => ({ value, label: t.overview.sorts[value] }))}
        onChange={(sort) => onChange({ sort })}
      />
    </search>
  );
}
