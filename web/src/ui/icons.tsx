/** Line drawings in the colour of the text beside them. */
function Icon({ path }: { path: string }) {
  return (
    <svg className="icon" viewBox="0 0 20 20" width="20" height="20" aria-hidden="true" focusable="false">
      <path d={path} fill="none" stroke="currentColor" strokeWidth="1.6" strokeLinecap="round" strokeLinejoin="round" />
    </svg>
  );
}

export const SettingsIcon = () => <Icon path="M3 6h6m4 0h4M3 14h2m4 0h8M9 6a2 2 0 1 0 4 0a2 2 0 1 0-4 0M5 14a2 2 0 1 0 4 0a2 2 0 1 0-4 0" />;
export const DownloadIcon = () => <Icon path="M10 3v9m0 0 3.5-3.5M10 12 6.5 8.5M4 16.5h12" />;
export const RefreshIcon = () => <Icon path="M16 10a6 6 0 1 1-1.8-4.3M16 3v3.5h-3.5" />;
