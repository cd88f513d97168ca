/** Our own monograms of the platforms: no vendor's logo. */

import { usePlatforms } from './grid';
import { OWN_SYMBOLS } from './source';

export function PlatformSymbol({ platform, size = 32 }: { platform: string; size?: number }) {
  const platforms = usePlatforms();
  const symbol = platforms.find((each) => each.platform === platform)?.symbol;
  const unknown = platforms.length === 0 ? 'var(--idle-fill)' : 'var(--idle-text)';
  return (
    <span
      className="symbol"
      aria-hidden
      style={{
        background: symbol ? `var(--source-${symbol.colour})` : unknown,
        width: size,
        height: size,
        fontSize: size < 28 ? 10 : 12,
      }}
    >
      {symbol?.letters ?? OWN_SYMBOLS[platform] ?? ''}
    </span>
  );
}
