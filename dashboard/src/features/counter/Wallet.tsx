/** What a shopper can redeem, and what was redeemed just now. */

import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useRef, useState } from 'react';
import { call, type Schemas } from '../../api/client';
import { useFormat, useNow, useUid } from '../../app/account';
import { Dialog } from '../../components/Confirm';
import { Strip } from '../../components/Meaning';
import { Empty, ProblemNotice } from '../../components/Notice';
import { Panel } from '../../components/Page';
import { Part } from '../../components/Part';
import { Foreign, LocalTime } from '../../components/Text';
import { FormEnd } from './FormEnd';
import { Head } from './Head';
import { newKey } from './once';
import { t } from './words';

type Shopper = Schemas['ShopperAnswer'];
type Offer = Schemas['CounterOffer'];

interface Props {
  shopper: Shopper;
  context: Schemas['CounterAnswer'];
  store?: number;
  /** What a sign-up just now came with: that it is done first, then its warnings. */
  notes?: string[];
  onDone: () => void;
}

export function Wallet({ shopper, context, store, notes = [], onDone }: Props) {
  const uid = useUid();
  const format = useFormat();
  const cache = useQueryClient();
  const [chosen, setChosen] = useState<Offer>();
  const [said, setSaid] = useState<string>();
  const key = [uid, 'counter', 'wallet', shopper.contact_id, store];
  const wallet = useQuery({
    queryKey: key,
    queryFn: ({ signal }) =>
      call('get', '/api/accounts/{uid}/counter/wallet/{contact_id}', {
        path: { uid, contact_id: shopper.contact_id },
        query: { store },
        signal,
      }),
    gcTime: 0,
    staleTime: 0,
  });
  const refresh = () => void cache.invalidateQueries({ queryKey: key });
  return (
    <Stack>
      <Panel>
        <Stack>
          <Head shopper={wallet.data?.shopper ?? shopper} onDone={onDone} />
          <Text fz={28} fw={650}>
            {t('points', { points: format.points(wallet.data?.points ?? shopper.points) })}
          </Text>
          {wallet.data && wallet.data.balance < 0 && (
            <Strip meaning="warn">
              {t('below', { points: format.points(wallet.data.balance) })}
            </Strip>
          )}
          {(said ?? notes[0]) && (
            <Strip meaning="good" live>
              {said ?? notes[0]}
            </Strip>
          )}
          {notes.slice(1).map((each) => (
            <Strip meaning="warn" key={each}>
              {each}
            </Strip>
          ))}
        </Stack>
      </Panel>
      <Panel>
        <Part query={wallet}>
          {(found) =>
            found.offers.length === 0 ? (
              <Empty>{t('nothing')}</Empty>
            ) : (
              <Stack component="ul" m={0} p={0} gap="sm" style={{ listStyle: 'none' }}>
                {found.offers.map((offer) => (
                  <Group component="li" key={offer.discount} justify="space-between" wrap="nowrap">
                    <div>
                      <Text fw={600}>
                        <Foreign>{offer.name}</Foreign>
                      </Text>
                      <Text c="dimmed">
                        {t('points', { points: format.points(offer.points) })}
                        {!offer.available && ` · ${offer.why_not}`}
                      </Text>
                    </div>
                    <Button
                      size="md"
                      disabled={!offer.available}
                      aria-label={t('redeemNamed', { name: offer.name })}
                      onClick={() => {
                        setSaid(undefined);
                        setChosen(offer);
                      }}
                    >
                      {t('redeem')}
                    </Button>
                  </Group>
                ))}
              </Stack>
            )
          }
        </Part>
      </Panel>
      {wallet.data && (
        <Recent
          of={wallet.data.recent}
          onUndone={(name) => {
            setSaid(t('undone', { name }));
            refresh();
          }}
        />
      )}
      {chosen && (
        <Redeem
          offer={chosen}
          shopper={wallet.data?.shopper ?? shopper}
          pinNeeded={context.pin_needed}
          store={store}
          onClose={() => {
            setChosen(undefined);
            refresh();
          }}
          onRedeemed={(name) => {
            setChosen(undefined);
            setSaid(t('redeemed', { name }));
            refresh();
          }}
        />
      )}
    </Stack>
  );
}

function Recent({
  of,
  onUndone,
}: {
  of: Schemas['CounterRedemptionAnswer'][];
  onUndone: (name: string) => void;
}) {
  const uid = useUid();
  const now = useNow();
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState<string>();
  if (of.length === 0) return null;
  async function undo(redemption: string, name: string) {
    setBusy(redemption);
    setError(undefined);
    try {
      await call('post', '/api/accounts/{uid}/counter/redeem/{redemption}/undo', {
        path: { uid, redemption },
      });
      onUndone(name);
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(undefined);
    }
  }
  return (
    <Panel title={t('recent')} id="recent">
      <Stack>
        {error !== undefined && <ProblemNotice error={error} />}
        {of.map((each) => (
          <Group key={each.id} justify="space-between" wrap="nowrap">
            <div>
              <Foreign>{each.name}</Foreign> · <LocalTime at={each.at} />
            </div>
            {each.undo_until && Date.parse(each.undo_until) > now && (
              <Button
                variant="default"
                loading={busy === each.id}
                aria-label={t('undoNamed', { name: each.name })}
                onClick={() => void undo(each.id, each.name)}
              >
                {t('undo')}
              </Button>
            )}
          </Group>
        ))}
      </Stack>
    </Panel>
  );
}

interface RedeemProps {
  offer: Offer;
  shopper: Shopper;
  pinNeeded: boolean;
  store?: number;
  onClose: () => void;
  onRedeemed: (name: string) => void;
}

/** One intended redemption: every try of it has the same key, so that it happens once. */
function Redeem({ offer, shopper, pinNeeded, store, onClose, onRedeemed }: RedeemProps) {
  const uid = useUid();
  const format = useFormat();
  const key = useRef(newKey());
  const [pin, setPin] = useState('');
  const [sent, setSent] = useState<string>();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();

  async function redeem() {
    setBusy(true);
    try {
      const done = await call('post', '/api/accounts/{uid}/counter/redeem', {
        path: { uid },
        once: key.current,
        body: {
          contact_id: shopper.contact_id,
          discount: offer.discount,
          points: offer.points,
          store: store ?? null,
          pin: pinNeeded ? pin : null,
        },
      });
      onRedeemed(done.name);
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  }
  async function send() {
    setError(undefined);
    try {
      const went = await call('post', '/api/accounts/{uid}/counter/pin', {
        path: { uid },
        body: { contact_id: shopper.contact_id },
      });
      setSent(t('pinSent', { how: t(went.sent) }));
    } catch (failure) {
      setError(failure);
    }
  }
  function submit(event: FormEvent) {
    event.preventDefault();
    if (!busy) void redeem();
  }
  return (
    <Dialog
      title={t('ask', { name: offer.name, shopper: shopper.name || t('someone') })}
      onClose={onClose}
    >
      <form onSubmit={submit} noValidate>
        <Stack>
          <Text>{t('askText', { points: format.points(offer.points) })}</Text>
          {pinNeeded && (
            <Group align="flex-end">
              <TextInput
                label={t('pin')}
                description={t('pinHelp')}
                inputMode="numeric"
                autoComplete="off"
                maxLength={10}
                value={pin}
                onChange={(event) => setPin(event.currentTarget.value)}
                style={{ flex: '1 1 140px' }}
              />
              <Button variant="default" onClick={() => void send()}>
                {t('sendPin')}
              </Button>
            </Group>
          )}
          {sent && (
            <Strip meaning="busy" live>
              {sent}
            </Strip>
          )}
          <FormEnd
            error={error}
            offline={t('offline')}
            submit={t('redeemNamed', { name: offer.name })}
            busy={busy}
            disabled={pinNeeded && pin.trim() === ''}
            onClose={onClose}
          />
        </Stack>
      </form>
    </Dialog>
  );
}
