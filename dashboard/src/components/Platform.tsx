/** Our own monograms of the platforms: no vendor's logo. */

import { usePlatforms } from './grid';
import { OWN_SYMBOLS } from './source';

export function PlatformSymbol({ platform, size = 32 }: { platform: string; size?: number }) {
  const symbol = usePlatforms().find((each) => each.platform === platform)?.symbol;
  return (
    <span
      className="symbol"
      aria-hidden
      style={{
        background: symbol ? `var(--source-${symbol.colour})` : 'var(--idle-text)',
        width: size,
        height: size,
        fontSize: size < 28 ? 10 : 12,
      }}
    >
      {symbol?.letters ?? OWN_SYMBOLS[platform] ?? ''}
    </span>
  );
}
