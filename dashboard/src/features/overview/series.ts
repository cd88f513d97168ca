/** What a chart shows of a series of the API: sums, the finding, the height of its columns. */

export interface Bucket {
  day: string;
  values: Record<string, number>;
  unread: string[];
}

export function totalOf(bucket: Bucket): number {
  return Object.values(bucket.values).reduce((sum, value) => sum + value, 0);
}

/** The sum of the last buckets. */
export function sumOfLast(buckets: readonly Bucket[], count: number): number {
  return buckets.slice(-count).reduce((sum, bucket) => sum + totalOf(bucket), 0);
}

/** Without the empty days before the first that has anything. */
export function fromFirst(buckets: readonly Bucket[]): readonly Bucket[] {
  const first = buckets.findIndex((bucket) => totalOf(bucket) !== 0);
  return first < 0 ? [] : buckets.slice(first);
}

/** A round number that the axis ends at, never below the highest column. */
export function axisEnd(highest: number): number {
  if (highest <= 0) return 1;
  const unit = 10 ** Math.floor(Math.log10(highest));
  const steps = [1, 2, 5, 10];
  return unit * (steps.find((step) => unit * step >= highest) ?? 10);
}

/** A calendar day some days before another, both as `2026-03-01`. */
export function dayBefore(day: string, days: number): string {
  const at = new Date(`${day}T00:00:00Z`);
  at.setUTCDate(at.getUTCDate() - days);
  return at.toISOString().slice(0, 10);
}
