/** Our own monograms of the platforms: no vendor's logo. */

const MONOGRAMS: Record<string, string> = {
  posabit: 'PB',
  thsuite: 'TH',
  webjoint: 'WJ',
  auphan: 'AU',
  profitek: 'PT',
  aiq: 'AIQ',
  api: 'API',
};

export function PlatformSymbol({ platform, size = 32 }: { platform: string; size?: number }) {
  return (
    <span
      className="symbol"
      aria-hidden
      style={{
        background: `var(--${platform}, var(--idle-text))`,
        width: size,
        height: size,
        fontSize: size < 28 ? 10 : 12,
      }}
    >
      {MONOGRAMS[platform] ?? platform.slice(0, 2).toUpperCase()}
    </span>
  );
}
