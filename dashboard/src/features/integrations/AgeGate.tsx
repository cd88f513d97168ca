import { Anchor, Checkbox, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { call } from '../../api/client';
import { useAccount } from '../../app/account';
import { Confirm } from '../../components/Confirm';
import { Go } from '../../components/Go';
import { Strip } from '../../components/Meaning';
import { ProblemNotice } from '../../components/Notice';
import { Panel } from '../../components/Page';
import { LocalTime, Said } from '../../components/Text';
import { PreviewDialog } from '../changes/PreviewDialog';
import { type Card, useCardAct } from './queries';
import { t } from './words';

const REQUIRED = 'Required ';

/** The age-gate box, worded as the help articles word it, and whose opt-in flags are trusted. */
export function AgeGate({ card }: { card: Card }) {
  const account = useAccount();
  const [unticking, setUnticking] = useState(false);
  const [trusting, setTrusting] = useState(false);
  const path = { uid: account.uid, platform: card.platform };
  const tick = useCardAct(account.uid, card.platform, (passed: boolean) =>
    call('put', '/api/accounts/{uid}/integrations/{platform}/age-gate', { path, body: { passed } }),
  );
  const untrust = useCardAct(account.uid, card.platform, () =>
    call('put', '/api/accounts/{uid}/integrations/{platform}/trust-opt-in-flags', {
      path,
      version: card.version,
      body: { trusted: false, token: null },
    }),
  );
  const gate = card.age_gate;
  const label = gate.label ?? '';
  const by = gate.ticked_by_name ?? undefined;
  return (
    <Panel title={t('loyalty')} id="loyalty">
      <Stack gap="sm">
        <Checkbox
          id="age-gate-box"
          label={
            label.startsWith(REQUIRED) ? (
              <>
                <span className="pill idle">{REQUIRED.trim()}</span> {label.slice(REQUIRED.length)}
              </>
            ) : (
              label
            )
          }
          checked={gate.ticked}
          disabled={!account.may('integrations:write') || tick.isPending}
          onChange={(event) =>
            event.currentTarget.checked ? tick.mutate(true) : setUnticking(true)
          }
          description={
            gate.ticked && gate.ticked_at ? (
              <TickedBy by={by} at={gate.ticked_at} />
            ) : card.capabilities.age_gate_to_connect ? undefined : (
              t('beforeSms')
            )
          }
        />
        {tick.error && <ProblemNotice error={tick.error} />}
        <Checkbox
          label={t('trust')}
          checked={card.flag_trust.trusted}
          disabled={!account.may('sources:trust') || untrust.isPending}
          onChange={(event) => (event.currentTarget.checked ? setTrusting(true) : untrust.mutate())}
          description={
            card.flag_trust.trusted && card.flag_trust.ticked_at ? (
              <TickedBy
                by={card.flag_trust.ticked_by_name ?? undefined}
                at={card.flag_trust.ticked_at}
              />
            ) : (
              t('trustHelp', { title: card.title })
            )
          }
        />
        {untrust.error && <ProblemNotice error={untrust.error} />}
        {card.sms_status && (
          <Strip
            meaning="warn"
            action={
              <Anchor component={Go} to={`/a/${account.uid}/settings/texting`}>
                {t('toTexting')}
              </Anchor>
            }
          >
            <Said>{card.sms_status}</Said>
          </Strip>
        )}
      </Stack>
      {unticking && (
        <Confirm
          title={t('untickTitle')}
          button={t('untick')}
          destructive
          onClose={() => setUnticking(false)}
          act={() => tick.mutateAsync(false)}
        >
          {t('untickText', { title: card.title })}
        </Confirm>
      )}
      {trusting && (
        <PreviewDialog
          of={{ kind: 'trust', platform: card.platform, version: card.version }}
          title={t('trust')}
          onClose={() => setTrusting(false)}
        />
      )}
    </Panel>
  );
}

function TickedBy({ by, at }: { by: string | undefined; at: string }) {
  return (
    <Text component="span" fz={12} c="dimmed">
      {by ? t('tickedBy', { who: by }) : t('ticked')} <LocalTime at={at} both />
    </Text>
  );
}
