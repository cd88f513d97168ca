/** The Overview's charts, loaded after the page: a finding each, and a table of the same numbers. */

import { Button, SimpleGrid, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type KeyboardEvent, type ReactNode, useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { useAccount, useFormat } from '../../app/account';
import { Table } from '../../components/DataList';
import { dayIn } from '../../components/format';
import { colourOf, usePlatforms } from '../../components/grid';
import { Empty } from '../../components/Notice';
import { Panel } from '../../components/Page';
import { Fence, Part, Skeletons } from '../../components/Part';
import { titleOfSource } from '../../components/source';
import './charts.css';
import { t } from './chartWords';
import { axisEnd, type Bucket, dayBefore, fromFirst, sumOfLast, totalOf } from './series';

type Series = Schemas['SeriesAnswer'];
type Name = 'sales' | 'personas' | 'points';

const DAYS = 90;
const PATHS = {
  sales: '/api/accounts/{uid}/series/sales',
  personas: '/api/accounts/{uid}/series/personas',
  points: '/api/accounts/{uid}/series/points',
} as const;

function useSeries(name: Name) {
  const { uid, zone } = useAccount();
  const to = dayIn(zone, Date.now());
  const from = dayBefore(to, DAYS - 1);
  return useQuery({
    queryKey: [uid, 'series', name, from, to],
    queryFn: ({ signal }): Promise<Series> =>
      call('get', PATHS[name], { path: { uid }, query: { from, to }, signal }),
    enabled: zone !== undefined,
    refetchInterval: 60_000,
  });
}

export default function Charts() {
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }} role="group" aria-label={t('charts')}>
      <Chart name="sales" empty={t('noSales')} title={(n) => t('salesTitle', { n })} />
      <Chart name="personas" empty={t('noPersonas')} title={(n) => t('personasTitle', { n })} />
      <div className="whole-row">
        <PointsChart />
      </div>
    </SimpleGrid>
  );
}

function Chart({
  name,
  empty,
  title,
}: {
  name: Name;
  empty: string;
  title: (n: number) => string;
}) {
  const query = useSeries(name);
  return (
    <Fence>
      <Part query={query} skeleton={<Coming title={t(name)} />}>
        {(said) => {
          const buckets = fromFirst(said.buckets);
          return (
            <Frame
              title={title(sumOfLast(said.buckets, 7))}
              table={
                buckets.length > 0 ? <Numbers of={buckets} sources={said.sources} /> : undefined
              }
              asOf={name === 'sales' ? null : said.as_of}
            >
              {buckets.length === 0 ? (
                <Empty>{empty}</Empty>
              ) : (
                <Columns of={buckets} sources={said.sources} />
              )}
            </Frame>
          );
        }}
      </Part>
    </Fence>
  );
}

function PointsChart() {
  const query = useSeries('points');
  const format = useFormat();
  return (
    <Fence>
      <Part query={query} skeleton={<Coming title={t('points')} />}>
        {(said) => {
          const last = said.buckets.at(-1);
          const title = last
            ? t('pointsTitle', { points: format.points(totalOf(last)) })
            : t('pointsUnknown');
          return (
            <Frame
              title={title}
              asOf={said.as_of}
              table={
                last ? <Numbers of={said.buckets} sources={[]} total={t('points')} /> : undefined
              }
            >
              {last ? <Line of={said.buckets} /> : <Empty>{t('noPoints')}</Empty>}
            </Frame>
          );
        }}
      </Part>
    </Fence>
  );
}

/** A chart whose numbers are not there yet, as high as it will be. */
function Coming({ title }: { title: string }) {
  return (
    <Frame title={title}>
      <Skeletons lines={1} height={180} />
    </Frame>
  );
}

function Frame({
  title,
  children,
  table,
  asOf,
}: {
  title: string;
  children: ReactNode;
  table?: ReactNode;
  asOf?: string | null;
}) {
  const [asTable, setAsTable] = useState(false);
  const format = useFormat();
  return (
    <Panel
      title={title}
      action={
        table && (
          <Button
            size="xs"
            variant="default"
            aria-pressed={asTable}
            style={{ flex: 'none' }}
            onClick={() => setAsTable(!asTable)}
          >
            {t(asTable ? 'asChart' : 'asTable')}
          </Button>
        )
      }
    >
      <Stack gap="xs" mih={230}>
        {asTable ? table : children}
        {asOf && (
          <Text fz={12} c="dimmed">
            {t('asOf', { at: format.instant(asOf) })}
          </Text>
        )}
      </Stack>
    </Panel>
  );
}

function valueText(bucket: Bucket | undefined, format: ReturnType<typeof useFormat>): string {
  return bucket ? `${format.day(bucket.day)}: ${format.points(totalOf(bucket))}` : '';
}

/** Which column is looked at: by pointer, by touch, by arrow keys. */
function useChosen(count: number) {
  const [chosen, setChosen] = useState<number>();
  function onKeyDown(event: KeyboardEvent) {
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -count, End: count }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    setChosen((now) => Math.max(0, Math.min(count - 1, (now ?? (step > 0 ? -1 : count)) + step)));
  }
  return { chosen, setChosen, onKeyDown };
}

interface PlotProps {
  of: readonly Bucket[];
  /** Where the axis ends, as it is written. */
  end: string;
  /** Behind the columns: the line of a line chart. */
  line?: ReactNode;
  wide?: boolean;
  classOf?: (bucket: Bucket) => string;
  column?: (bucket: Bucket) => ReactNode;
  sentence: (bucket: Bucket) => ReactNode;
  /** Says the last day where none is chosen. */
  saysLast?: boolean;
}

/** A chart's axis, its days, and the day that is looked at: by pointer, by touch, by arrow keys. */
function Plot({ of, end, line, wide, classOf, column, sentence, saysLast }: PlotProps) {
  const format = useFormat();
  const { chosen, setChosen, onKeyDown } = useChosen(of.length);
  const last = of.length - 1;
  const said = of[chosen ?? (saysLast ? last : -1)];
  return (
    <div className="chart">
      <div className="chart-axis" aria-hidden>
        <span>{end}</span>
        <span>0</span>
      </div>
      <div
        className="chart-field"
        role="slider"
        tabIndex={0}
        aria-label={t('keys')}
        aria-valuemin={0}
        aria-valuemax={last}
        aria-valuenow={chosen ?? last}
        aria-valuetext={valueText(of[chosen ?? last], format)}
        onKeyDown={onKeyDown}
        onMouseLeave={() => setChosen(undefined)}
      >
        {line}
        {of.map((bucket, at) => (
          // biome-ignore lint/a11y/noStaticElementInteractions: the same is said by keys, and as a table
          <div
            key={bucket.day}
            data-testid="column"
            className={`chart-column ${at === chosen ? 'chosen' : ''} ${classOf?.(bucket) ?? ''}`}
            style={wide ? { maxWidth: 'none' } : undefined}
            onMouseEnter={() => setChosen(at)}
            onTouchStart={() => setChosen(at)}
          >
            {column?.(bucket)}
          </div>
        ))}
      </div>
      <div className="chart-days" aria-hidden>
        <span>{format.day(of[0]?.day)}</span>
        {of.length > 1 && <span>{format.day(of.at(-1)?.day)}</span>}
      </div>
      <div className="chart-said">{said && sentence(said)}</div>
    </div>
  );
}

function Columns({ of, sources }: { of: readonly Bucket[]; sources: readonly string[] }) {
  const format = useFormat();
  const platforms = usePlatforms();
  const colour = (source: string) => colourOf(platforms, source);
  const today = dayIn(format.zone, Date.now());
  const end = axisEnd(Math.max(...of.map(totalOf)));
  return (
    <>
      <Plot
        of={of}
        end={format.number(end)}
        classOf={(bucket) =>
          [
            bucket.day >= today ? 'open' : '',
            bucket.unread.length > 0 && totalOf(bucket) === 0 ? 'unread' : '',
          ].join(' ')
        }
        column={(bucket) =>
          sources.map((source) => {
            const value = bucket.values[source] ?? 0;
            return value > 0 ? (
              <span
                key={source}
                style={{ height: `${(100 * value) / end}%`, background: colour(source) }}
              />
            ) : null;
          })
        }
        sentence={(bucket) => <Sentence of={bucket} sources={sources} today={today} />}
      />
      <div className="chart-legend" aria-hidden>
        {sources.map((source) => (
          <span key={source} style={{ ['--swatch' as string]: colour(source) }}>
            {titleOfSource(source)}
          </span>
        ))}
      </div>
    </>
  );
}

function Sentence({
  of,
  sources,
  today,
}: {
  of: Bucket;
  sources: readonly string[];
  today: string;
}) {
  const format = useFormat();
  const parts = sources
    .filter((source) => of.values[source] || of.unread.includes(source))
    .map((source) =>
      of.values[source]
        ? `${titleOfSource(source)} ${format.number(of.values[source])}`
        : `${titleOfSource(source)} ${t('noData')}`,
    );
  return (
    <>
      {format.day(of.day)}
      {of.day >= today && ` (${t('soFar')})`}: <strong>{format.number(totalOf(of))}</strong>
      {parts.length > 0 && ` · ${parts.join(' · ')}`}
    </>
  );
}

function Line({ of }: { of: readonly Bucket[] }) {
  const format = useFormat();
  const end = axisEnd(Math.max(...of.map(totalOf)));
  const heights = of.map((bucket) => 100 - (100 * totalOf(bucket)) / end);
  // One day is a level line.
  const ends = heights.length === 1 ? [...heights, ...heights] : heights;
  const points = ends.map((y, at) => `${(100 * at) / (ends.length - 1)},${y}`).join(' ');
  return (
    <Plot
      of={of}
      end={format.points(end)}
      wide
      saysLast
      line={
        <svg className="chart-line" viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden>
          <title>{t('points')}</title>
          <polyline
            points={points}
            fill="none"
            stroke="var(--primary)"
            strokeWidth={2}
            vectorEffect="non-scaling-stroke"
          />
        </svg>
      }
      sentence={(bucket) => (
        <>
          {format.day(bucket.day)}: <strong>{format.points(totalOf(bucket))}</strong>
        </>
      )}
    />
  );
}

function Numbers({
  of,
  sources,
  total = t('total'),
}: {
  of: readonly Bucket[];
  sources: readonly string[];
  total?: string;
}) {
  const format = useFormat();
  return (
    <div style={{ maxHeight: 260, overflowY: 'auto' }}>
      <Table
        caption={t('asTable')}
        rows={[...of].reverse()}
        rowKey={(row) => row.day}
        columns={[
          { key: 'day', title: t('day'), cell: (row) => format.day(row.day) },
          ...sources.map((source) => ({
            key: source,
            title: titleOfSource(source),
            label: true,
            number: true,
            cell: (row: Bucket) =>
              row.values[source] === undefined && row.unread.includes(source)
                ? t('noData')
                : format.number(row.values[source] ?? 0),
          })),
          {
            key: 'total',
            title: total,
            number: true,
            label: true,
            cell: (row) => format.points(totalOf(row)),
          },
        ]}
      />
    </div>
  );
}
