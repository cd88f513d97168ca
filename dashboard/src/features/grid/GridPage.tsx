/** The Integration Grid: what each POS can do. Open to everyone. */

import { Anchor, Container, Stack, Text, Title } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useEffect } from 'react';
import type { Schemas } from '../../api/client';
import { gridQuery } from '../../components/grid';
import { NotYet, ProblemNotice } from '../../components/Notice';
import { Skeletons } from '../../components/Part';
import { t } from './words';

type Grid = Schemas['GridAnswer'];

export function GridPage() {
  const grid = useQuery(gridQuery);
  useEffect(() => {
    document.title = `${t('title')} · AIQ`;
  }, []);
  return (
    <Container component="main" py="xl" size={1200}>
      <Stack>
        <Stack gap={4}>
          <Title order={1}>{t('title')}</Title>
          <Text c="dimmed">{t('intro')}</Text>
        </Stack>
        {grid.data ? (
          <Abilities grid={grid.data} />
        ) : grid.error ? (
          <ProblemNotice error={grid.error} retry={() => void grid.refetch()} />
        ) : grid.data === null ? (
          <NotYet thing={t('title')} />
        ) : (
          <Skeletons lines={8} />
        )}
        <Anchor component={Link} to="/">
          {t('back')}
        </Anchor>
      </Stack>
    </Container>
  );
}

function Abilities({ grid }: { grid: Grid }) {
  return (
    <div className="panel">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable */}
      <section style={{ overflowX: 'auto' }} tabIndex={0} aria-label={t('title')}>
        <table className="table">
          <thead>
            <tr>
              <th scope="col">{t('ability')}</th>
              {grid.platforms.map((each) => (
                <th scope="col" key={each.platform}>
                  {each.guide_url ? (
                    <Anchor href={each.guide_url} rel="noreferrer">
                      {each.title}
                    </Anchor>
                  ) : (
                    each.title
                  )}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {grid.rows.map((row) => (
              <tr key={row.key}>
                <th scope="row" style={{ textAlign: 'start' }}>
                  {row.label}
                </th>
                {grid.platforms.map((each) => (
                  <td key={each.platform}>{row.values[each.platform]}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </div>
  );
}
