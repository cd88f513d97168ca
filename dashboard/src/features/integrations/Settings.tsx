import { Button, Group, Stack, Switch, Text } from '@mantine/core';
import { useState } from 'react';
import { call } from '../../api/client';
import { useAccount, useFormat } from '../../app/account';
import { Confirm } from '../../components/Confirm';
import { Strip } from '../../components/Meaning';
import { ProblemNotice } from '../../components/Notice';
import { Panel } from '../../components/Page';
import { Day, Said, Until } from '../../components/Text';
import { PreviewDialog } from '../changes/PreviewDialog';
import { ProgressOfJob } from '../changes/ProgressOfJob';
import { FreezeDialog } from '../freezing/FreezeDialog';
import { type Card, type Setting, useCardAct } from './queries';
import { standsStill } from './state';
import { t } from './words';

export function Settings({ card }: { card: Card }) {
  return (
    <Panel title={t('additional')} id="settings">
      <Stack gap="md">
        {card.settings_warning && (
          <Strip meaning="warn">
            <span>
              ⚠️ <strong>{t('warning')}</strong> {card.settings_warning}
            </span>
          </Strip>
        )}
        {card.job && <ProgressOfJob key={card.job.id} job={card.job} />}
        <Sending card={card} />
        {card.settings.map((setting) => (
          <SettingRow key={setting.key} card={card} setting={setting} />
        ))}
      </Stack>
    </Panel>
  );
}

function SettingRow({ card, setting }: { card: Card; setting: Setting }) {
  const account = useAccount();
  const [open, setOpen] = useState(false);
  const still = card.state === 'freezing' || card.state === 'unfreezing';
  const isDate = setting.kind === 'date';
  const isBackup = setting.key === 'use_last_backup';
  const may = account.may('previews:run') || account.may('settings:write');
  return (
    <section aria-labelledby={`setting-${setting.key}`} className="setting">
      <Group justify="space-between" align="flex-start" gap="xs">
        <Text
          fw={650}
          component="h3"
          m={0}
          fz={14}
          id={`setting-${setting.key}`}
          style={{ flex: '1 1 220px' }}
        >
          {setting.label}
        </Text>
        {isDate && (
          <Group gap="sm">
            <Text component="span">
              {setting.value ? <Day day={String(setting.value)} /> : t('notSet')}
            </Text>
            {may && (
              <Button
                variant="default"
                disabled={still}
                title={still ? t('frozenOff') : undefined}
                aria-label={`${setting.value ? t('change') : t('set')}: ${setting.label}`}
                onClick={() => setOpen(true)}
              >
                {setting.value ? t('change') : t('set')}
              </Button>
            )}
          </Group>
        )}
        {isBackup && account.may('settings:write') && card.state !== 'draft' && (
          <Button variant="default" onClick={() => setOpen(true)}>
            {setting.label}
          </Button>
        )}
        {!isDate && !isBackup && <SwitchRow card={card} setting={setting} />}
      </Group>
      <Stack gap={6} mt={4}>
        <Text c="dimmed" style={{ whiteSpace: 'pre-line' }}>
          {setting.help}
        </Text>
        {setting.warning && (
          <Text>
            ⚠️ <strong>{t('warning')}</strong> {setting.warning}
          </Text>
        )}
        {setting.note && (
          <Text>
            ℹ️ <strong>{t('note')}</strong> {setting.note}
          </Text>
        )}
        {setting.hint && (
          <Strip meaning="warn">
            <Said>{setting.hint}</Said>
          </Strip>
        )}
        {!setting.applied && (
          <Text c="dimmed" fs="italic">
            <Said>{setting.status}</Said>
          </Text>
        )}
      </Stack>
      {open && isDate && (
        <PreviewDialog
          of={{
            kind: 'setting',
            platform: card.platform,
            version: card.version,
            key: setting.key,
            value: typeof setting.value === 'string' ? setting.value : null,
          }}
          title={`${t('change')} ${setting.label}`}
          day
          removable
          onClose={() => setOpen(false)}
        />
      )}
      {open && isBackup && (
        <FreezeDialog
          platform={card.platform}
          title={card.title}
          state={card.state}
          onClose={() => setOpen(false)}
        />
      )}
    </section>
  );
}

function SwitchRow({ card, setting }: { card: Card; setting: Setting }) {
  const account = useAccount();
  const [undone, setUndone] = useState<boolean>();
  const change = useCardAct(account.uid, card.platform, (on: boolean) =>
    call('patch', '/api/accounts/{uid}/integrations/{platform}/settings', {
      path: { uid: account.uid, platform: card.platform },
      version: card.version,
      body: { [setting.key]: on },
    }),
  );
  const on = setting.value === true;
  const counted = setting.key === 'sync_to_market';
  const [asking, setAsking] = useState<boolean>();
  return (
    <Stack gap={4} align="flex-end">
      <Switch
        aria-label={setting.label}
        checked={on}
        onLabel={t('on')}
        offLabel={t('off')}
        size="md"
        disabled={
          !account.may(counted ? 'previews:run' : 'settings:write') ||
          standsStill(card.state) ||
          change.isPending
        }
        onChange={(event) => {
          const wanted = event.currentTarget.checked;
          if (counted) setAsking(wanted);
          else change.mutate(wanted, { onSuccess: () => setUndone(!wanted) });
        }}
      />
      {undone !== undefined && !change.isPending && !change.error && (
        <Group gap="xs" role="status">
          <Text fz={12}>
            {t('savedSetting', { label: setting.label, value: t(on ? 'on' : 'off') })}
          </Text>
          <Button
            size="compact-xs"
            variant="default"
            onClick={() => {
              change.mutate(undone);
              setUndone(undefined);
            }}
          >
            {t('undo')}
          </Button>
        </Group>
      )}
      {change.error && <ProblemNotice error={change.error} />}
      {asking !== undefined && (
        <PreviewDialog
          of={{
            kind: 'switch',
            platform: card.platform,
            version: card.version,
            key: 'sync_to_market',
            on: asking,
          }}
          title={`${setting.label}: ${t(asking ? 'on' : 'off')}`}
          onClose={() => setAsking(undefined)}
        />
      )}
    </Stack>
  );
}

/** What the double opt-in setting is about to send, and how to keep it from that. */
function Sending({ card }: { card: Card }) {
  const account = useAccount();
  const format = useFormat();
  const [asking, setAsking] = useState<'cancel' | 'stop'>();
  const path = { uid: account.uid, platform: card.platform };
  const cancel = useCardAct(account.uid, card.platform, async () => {
    await call('post', '/api/accounts/{uid}/integrations/{platform}/settings/sms/cancel', { path });
  });
  const stop = useCardAct(account.uid, card.platform, async () => {
    await call('post', '/api/accounts/{uid}/integrations/{platform}/settings/sms/stop', {
      path,
      version: card.sms.version,
    });
  });
  const { starts_at: starts, stopped } = card.sms;
  const asked = card.settings.find((each) => each.key === 'sms_opt_in_after')?.value;
  if (!asked || (!starts && !stopped)) return null;
  if (stopped) return <Strip meaning="idle">{t('textsStopped')}</Strip>;
  const waiting = starts !== null && Date.parse(starts) > Date.now();
  const may = account.may('settings:write');
  return (
    <>
      <Strip
        meaning="busy"
        action={
          may && (
            <Button variant="default" onClick={() => setAsking(waiting ? 'cancel' : 'stop')}>
              {t(waiting ? 'cancelSending' : 'stopSending')}
            </Button>
          )
        }
      >
        {waiting && starts ? (
          <>
            {t('textsStart', { at: format.instant(starts) })} (<Until at={starts} />)
          </>
        ) : (
          t('textsRunning')
        )}
      </Strip>
      {asking && (
        <Confirm
          title={t(asking === 'cancel' ? 'cancelSending' : 'stopSending')}
          button={t(asking === 'cancel' ? 'cancelSending' : 'stopSending')}
          onClose={() => setAsking(undefined)}
          act={() => (asking === 'cancel' ? cancel : stop).mutateAsync()}
        >
          {t(asking === 'cancel' ? 'cancelText' : 'stopText')}
        </Confirm>
      )}
    </>
  );
}
