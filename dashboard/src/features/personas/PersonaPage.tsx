import { Button, Group, List, Stack, Tabs, Text } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { useAccount, useFormat } from '../../app/account';
import { DataList, Table } from '../../components/DataList';
import { cut } from '../../components/format';
import { StatusPill, Strip } from '../../components/Meaning';
import { Empty, ProblemNotice } from '../../components/Notice';
import { Page, Panel } from '../../components/Page';
import { Part, Skeletons } from '../../components/Part';
import { PlatformSymbol } from '../../components/Platform';
import { titleOfSource } from '../../components/source';
import { Foreign, LocalTime, Said } from '../../components/Text';
import { PersonaPrivacy } from '../privacy/PersonaPrivacy';
import { storesQuery } from '../stores/queries';
import { AdjustPoints } from './AdjustPoints';
import {
  consentQuery,
  type Detail,
  type Entry,
  ledgerQuery,
  nameOf,
  personaQuery,
  type Sale,
  salesQuery,
} from './queries';
import { consentActOf, reporterOf, t } from './words';

const TABS = ['timeline', 'sales', 'points', 'consent', 'sources'] as const;

/** One shopper: who they are, why they are a member, and everything that happened. */
export function PersonaPage() {
  const account = useAccount();
  const { contactId = '' } = useParams({ strict: false }) as { contactId?: string };
  const persona = useQuery({
    ...personaQuery(account.uid, contactId),
    enabled: account.may('personas:read'),
  });
  const [adjusting, setAdjusting] = useState(false);
  const title = persona.data ? nameOf(persona.data) || t('unnamed') : t('one');
  return (
    <Page
      title={t('one')}
      heading={<Foreign most={60}>{title}</Foreign>}
      crumbs={[{ label: t('title'), to: `/a/${account.uid}/personas` }, { label: t('one') }]}
      right="personas:read"
      actions={
        persona.data && (
          <>
            <PersonaPrivacy contactId={persona.data.id} name={title} />
            {account.may('points:adjust') && (
              <Button className="primary-act" onClick={() => setAdjusting(true)}>
                {t('adjust')}
              </Button>
            )}
          </>
        )
      }
    >
      <Part query={persona}>{(said) => <Body persona={said} asked={contactId} />}</Part>
      {adjusting && persona.data && (
        <AdjustPoints contactId={persona.data.id} onClose={() => setAdjusting(false)} />
      )}
    </Page>
  );
}

function Body({ persona, asked }: { persona: Detail; asked: string }) {
  const account = useAccount();
  const format = useFormat();
  const navigate = useNavigate();
  const { tab = 'timeline' } = useSearch({ strict: false }) as { tab?: string };
  const stores = useQuery({ ...storesQuery(account.uid), enabled: account.may('stores:read') });
  const store = stores.data?.items.find((each) => each.id === persona.favourite_store);
  return (
    <Stack gap="lg">
      {asked !== persona.id && <Strip meaning="busy">{t('leadsHere', { id: asked })}</Strip>}
      <Panel>
        <Group gap="lg" align="flex-start">
          <div>
            <Text fz={12} c="dimmed">
              {t('points')}
            </Text>
            <Text fz={28} fw={650} lh={1.2}>
              {format.points(persona.points)}
            </Text>
            {persona.points < 0 && (
              <Text fz={12} c="dimmed">
                {t('walletZero')}
              </Text>
            )}
          </div>
          <Stack gap={4}>
            <span>
              <StatusPill
                meaning={persona.member ? 'good' : 'idle'}
                word={t(persona.member ? 'member' : 'notMember')}
              />
            </span>
            <Text>
              <bdi>{persona.phone ?? '—'}</bdi>
              {' · '}
              <Foreign>{persona.email}</Foreign>
            </Text>
            <Text c="dimmed">
              {persona.birth_date && `${t('birth', { day: format.day(persona.birth_date) })} · `}
              {t('favourite')}: <Foreign most={40}>{store?.name ?? null}</Foreign> ·{' '}
              {t('sourcedFrom')}: {persona.sources.map(titleOfSource).join(', ')}
            </Text>
            {persona.flags.length > 0 && (
              <Text c="dimmed">
                {t('flags')}: {persona.flags.map(wordOfFlag).join(', ')}
              </Text>
            )}
          </Stack>
        </Group>
      </Panel>
      <Panel title={t('why')} id="why">
        <Stack gap="sm">
          <Because title={t('whyMember')} sentences={persona.why_member} />
          <Because title={t('whyTexted')} sentences={persona.why_asked} />
        </Stack>
      </Panel>
      <Tabs
        value={TABS.includes(tab as 'sales') ? tab : 'timeline'}
        onChange={(value) =>
          void navigate({
            to: '.',
            search: { tab: value === 'timeline' ? undefined : (value ?? undefined) } as never,
            replace: true,
          })
        }
        keepMounted={false}
      >
        <Tabs.List mb="md">
          {TABS.map((each) => (
            <Tabs.Tab key={each} value={each}>
              {t(each)}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value="timeline">
          <Timeline persona={persona} />
        </Tabs.Panel>
        <Tabs.Panel value="sales">
          <Sales id={persona.id} />
        </Tabs.Panel>
        <Tabs.Panel value="points">
          <Points id={persona.id} />
        </Tabs.Panel>
        <Tabs.Panel value="consent">
          <Consent id={persona.id} />
        </Tabs.Panel>
        <Tabs.Panel value="sources">
          <Sources persona={persona} />
        </Tabs.Panel>
      </Tabs>
    </Stack>
  );
}

function Because({ title, sentences }: { title: string; sentences: Detail['why_member'] }) {
  if (sentences.length === 0) return null;
  return (
    <div>
      <Text fw={600}>{title}</Text>
      <List size="sm">
        {sentences.map((each) => (
          <List.Item key={each.sentence}>
            <Said>{wordsOf(each)}</Said>
          </List.Item>
        ))}
      </List>
    </div>
  );
}

const FLAGS = [
  'employee',
  'minor',
  'test',
  'inactive',
  'busy',
  'shared_key',
  'large_component',
] as const;

function wordOfFlag(flag: string): string {
  const known = FLAGS.find((each) => each === flag);
  return known ? t(`flag_${known}`) : flag.replaceAll('_', ' ');
}

/** A reason in our words; the API's own sentence where we have none. */
function wordsOf(said: Detail['why_member'][number]): string {
  const reason = String(said.data.reason ?? '');
  const [kind, platform = ''] = reason.split(':');
  switch (kind) {
    case 'form':
      return t('since_form');
    case 'partner_api':
      return t('since_partner');
    case 'pos_signup':
      return t('since_pos_signup', { platform });
    case 'import':
      return t('since_import');
    case 'enroll_after':
      return t('since_enroll', { platform });
    case 'double_opt_in':
      return t('since_opt_in');
    case 'kept':
      return t('since_kept');
    default:
      return said.sentence;
  }
}

interface Moment {
  at: string;
  key: string;
  what: React.ReactNode;
}

/** Sales, points and consent in one line, down to the newest end of a list that has more. */
function Timeline({ persona }: { persona: Detail }) {
  const account = useAccount();
  const format = useFormat();
  const ledger = useInfiniteQuery(ledgerQuery(account.uid, persona.id));
  const consent = useQuery(consentQuery(account.uid, persona.id));
  const moments: Moment[] = [];
  const ends: string[] = [];
  for (const sale of persona.sales.items) {
    moments.push({
      at: sale.ordered_at,
      key: `sale ${sale.platform} ${sale.scope} ${sale.ext_id}`,
      what: (
        <>
          <PlatformSymbol platform={sale.platform} size={24} /> {kindOf(sale)}{' '}
          {format.money(sale.total, sale.currency)}
        </>
      ),
    });
  }
  const page = ledger.data?.pages[0];
  for (const entry of page?.items ?? []) {
    moments.push({
      at: entry.at,
      key: `entry ${entry.cause}`,
      what: (
        <>
          {entry.amount > 0 ? '+' : ''}
          {format.points(entry.amount)} {t('points').toLowerCase()}:{' '}
          <Said>{entry.why.sentence}</Said>
        </>
      ),
    });
  }
  for (const contact of consent.data?.contacts ?? []) {
    for (const entry of contact.entries) {
      moments.push({
        at: entry.at,
        key: `consent ${entry.id}`,
        what: (
          <>
            {t(contact.channel === 'sms' ? 'sms' : 'email_channel')} <bdi>{contact.contact}</bdi>:{' '}
            {consentActOf(entry.act)}
          </>
        ),
      });
    }
  }
  const last = (items: { at: string }[]) => items.at(-1)?.at;
  if (persona.sales.next_cursor) {
    const end = persona.sales.items.at(-1)?.ordered_at;
    if (end) ends.push(end);
  }
  if (page?.next_cursor) {
    const end = last(page.items);
    if (end) ends.push(end);
  }
  const newestEnd = ends.sort().at(-1) ?? '';
  const shown = moments
    .filter((each) => each.at >= newestEnd)
    .sort((a, b) => b.at.localeCompare(a.at));
  if (ledger.isPending || consent.isPending) return <Skeletons lines={3} />;
  if (ledger.error) return <ProblemNotice error={ledger.error} />;
  return (
    <Panel>
      {shown.length === 0 && <Text c="dimmed">{t('nothingYet')}</Text>}
      <Stack component="ul" gap="xs" m={0} p={0} style={{ listStyle: 'none' }}>
        {shown.map((each) => (
          <li key={each.key} className="moment">
            <Text c="dimmed" fz={12} pt={2}>
              {format.instant(each.at)}
            </Text>
            <div>{each.what}</div>
          </li>
        ))}
      </Stack>
      {newestEnd && (
        <Text c="dimmed" mt="sm" fz={12}>
          {t('older')}
        </Text>
      )}
    </Panel>
  );
}

function kindOf(sale: Sale): string {
  if (sale.gone) return t('gone');
  return t(sale.kind === 'return' ? 'returnKind' : sale.kind === 'void' ? 'voidKind' : 'saleKind');
}

function Sales({ id }: { id: string }) {
  const account = useAccount();
  const format = useFormat();
  const sales = useInfiniteQuery(salesQuery(account.uid, id));
  const stores = useQuery({ ...storesQuery(account.uid), enabled: account.may('stores:read') });
  const names = new Map((stores.data?.items ?? []).map((each) => [each.id, each.name]));
  return (
    <div className="panel">
      <DataList
        caption={t('sales')}
        query={sales}
        rowKey={(sale) => `${sale.platform} ${sale.scope} ${sale.ext_id}`}
        empty={<Empty>{t('noSales')}</Empty>}
        columns={[
          { key: 'when', title: t('when'), cell: (sale) => format.instant(sale.ordered_at) },
          {
            key: 'total',
            title: t('total'),
            number: true,
            cell: (sale) => format.money(sale.total, sale.currency),
          },
          {
            key: 'what',
            title: t('what'),
            cell: (sale) => (
              <>
                <PlatformSymbol platform={sale.platform} size={24} /> {kindOf(sale)}
              </>
            ),
          },
          {
            key: 'store',
            title: t('store'),
            cell: (sale) => (
              <Foreign most={40}>
                {sale.store === null ? sale.store_key : (names.get(sale.store) ?? sale.store_key)}
              </Foreign>
            ),
          },
          {
            key: 'items',
            title: t('items'),
            cell: (sale) =>
              sale.items.length === 0 ? (
                '—'
              ) : (
                <details>
                  <summary>{t('itemsShow')}</summary>
                  <List size="sm">
                    {sale.items.map((item, at) => (
                      // biome-ignore lint/suspicious/noArrayIndexKey: equal lines are two lines
                      <List.Item key={at}>
                        {item.quantity} × <Foreign>{item.name}</Foreign>{' '}
                        {format.money(item.total, sale.currency)}
                      </List.Item>
                    ))}
                  </List>
                </details>
              ),
          },
        ]}
      />
    </div>
  );
}

function Points({ id }: { id: string }) {
  const account = useAccount();
  const format = useFormat();
  const ledger = useInfiniteQuery(ledgerQuery(account.uid, id));
  return (
    <div className="panel">
      <DataList<Entry>
        caption={t('points')}
        query={ledger}
        rowKey={(entry) => entry.cause}
        empty={<Empty>{t('noPoints')}</Empty>}
        columns={[
          { key: 'when', title: t('when'), cell: (entry) => format.instant(entry.at) },
          {
            key: 'amount',
            title: t('amountShort'),
            number: true,
            cell: (entry) => format.points(entry.amount),
          },
          {
            key: 'why',
            title: t('why'),
            cell: (entry) => (
              <>
                {entry.amount === 0 && <strong>{t('whyNoPoints')} </strong>}
                <Said>{entry.why.sentence}</Said>
                {entry.postings.length > 1 && (
                  <details>
                    <summary>{t('entries')}</summary>
                    <ul>
                      {entry.postings.map((posting) => (
                        <li key={posting.at}>
                          {format.instant(posting.at)}: {format.points(posting.amount)}
                        </li>
                      ))}
                    </ul>
                  </details>
                )}
              </>
            ),
          },
        ]}
      />
    </div>
  );
}

function Consent({ id }: { id: string }) {
  const account = useAccount();
  const format = useFormat();
  const consent = useQuery(consentQuery(account.uid, id));
  return (
    <Part query={consent}>
      {(said) =>
        said.contacts.length === 0 ? (
          <Empty>{t('noConsent')}</Empty>
        ) : (
          <Stack>
            {said.contacts.map((contact) => (
              <Panel key={`${contact.channel} ${contact.contact}`}>
                <Group gap="sm">
                  <Text fw={600}>
                    {t(contact.channel === 'sms' ? 'sms' : 'email_channel')}{' '}
                    <bdi>{contact.contact}</bdi>
                  </Text>
                  <StatusPill
                    meaning={
                      contact.state === 'opted_in'
                        ? 'good'
                        : contact.state === 'opted_out'
                          ? 'bad'
                          : 'idle'
                    }
                    word={t(contact.state)}
                  />
                  {contact.since && (
                    <Text c="dimmed">{t('since', { at: format.instant(contact.since) })}</Text>
                  )}
                </Group>
                <ul>
                  {contact.entries.map((entry) => (
                    <li key={entry.id}>
                      {format.instant(entry.at)}: {consentActOf(entry.act)} (
                      {reporterOf(entry.source)})
                      {entry.wording && (
                        <>
                          {' '}
                          <Foreign most={120}>{entry.wording}</Foreign>
                        </>
                      )}
                    </li>
                  ))}
                </ul>
              </Panel>
            ))}
          </Stack>
        )
      }
    </Part>
  );
}

function Sources({ persona }: { persona: Detail }) {
  return (
    <Stack>
      <div className="panel">
        <Table
          caption={t('sources')}
          rows={persona.members}
          rowKey={(member) => member.id}
          columns={[
            {
              key: 'platform',
              title: t('sourcedFrom'),
              cell: (member) => (
                <>
                  <PlatformSymbol platform={member.platform} size={24} />{' '}
                  {titleOfSource(member.platform)}
                </>
              ),
            },
            {
              key: 'id',
              title: t('id'),
              cell: (member) => <Foreign most={40}>{member.ext_id}</Foreign>,
            },
            {
              key: 'name',
              title: t('name'),
              cell: (member) => <Foreign most={60}>{nameOf(member)}</Foreign>,
            },
            { key: 'phone', title: t('phone'), cell: (member) => <bdi>{member.phone ?? '—'}</bdi> },
            {
              key: 'email',
              title: t('email'),
              cell: (member) => <Foreign most={40}>{member.email}</Foreign>,
            },
            {
              key: 'won',
              title: t('shown'),
              cell: (member) => wonOf(persona, member.id) || '—',
            },
            {
              key: 'seen',
              title: t('firstSeen'),
              cell: (member) => <LocalTime at={member.first_seen} />,
            },
          ]}
        />
      </div>
      <Joins persona={persona} />
      {persona.merged_ids.length > 0 && (
        <Text c="dimmed">
          {t('mergedIds')}: {persona.merged_ids.join(', ')}
        </Text>
      )}
    </Stack>
  );
}

/** The fields of the profile that come from this record. */
function wonOf(persona: Detail, record: string): string {
  return FIELDS.filter((field) => persona.won[field] === record)
    .map((field) => t(`field_${field}`))
    .join(', ');
}

const FIELDS = ['first', 'last', 'phone', 'email', 'birth_date'] as const;
const SHOWN_JOINS = 10;

/** Which key ties the records to one shopper. */
function Joins({ persona }: { persona: Detail }) {
  if (persona.joins.length === 0) return null;
  const named = new Map(
    persona.members.map((each) => [each.id, `${titleOfSource(each.platform)} ${each.ext_id}`]),
  );
  const left = persona.joins.length - SHOWN_JOINS;
  return (
    <Panel title={t('joins')} id="joins">
      <List>
        {persona.joins.slice(0, SHOWN_JOINS).map((each) => (
          <List.Item key={`${each.a} ${each.b}`}>
            {t('joined', {
              a: cut(named.get(each.a) ?? each.a, 40),
              b: cut(named.get(each.b) ?? each.b, 40),
              key: t(`join_${each.key}`),
            })}
          </List.Item>
        ))}
      </List>
      {left > 0 && <Text c="dimmed">{t('joinsMore', { n: left })}</Text>}
    </Panel>
  );
}
