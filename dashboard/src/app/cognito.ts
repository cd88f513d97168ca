/**
 * Talks to Amazon Cognito. A log-in goes by SRP through Cognito's own small library, so that no
 * password leaves the browser; the plain calls (refresh, forgotten password, MFA) by fetch.
 */

import type { CognitoUser } from 'amazon-cognito-identity-js';
import { config } from './config';

export interface Tokens {
  id: string;
  access: string;
  refresh: string;
}

export type Step =
  | { kind: 'in'; tokens: Tokens }
  | { kind: 'new_password'; answer: (password: string) => Promise<Step> }
  | { kind: 'code'; answer: (code: string) => Promise<Step> };

/** Cognito refused; `name` is its exception: NotAuthorizedException … */
export class Refused extends Error {
  constructor(
    readonly name: string,
    message: string,
  ) {
    super(message);
  }
}

function refused(error: unknown): Refused {
  const said = error as { code?: string; name?: string; message?: string };
  return new Refused(said.code ?? said.name ?? 'Unknown', said.message ?? '');
}

/** The first step of a log-in. Rejects with `Refused`. */
export async function logIn(email: string, password: string): Promise<Step> {
  const [{ CognitoUserPool, CognitoUser: User, AuthenticationDetails }, { cognito }] =
    await Promise.all([import('amazon-cognito-identity-js'), config()]);
  const forgetful = new Forgetful();
  const pool = new CognitoUserPool({
    UserPoolId: cognito.user_pool_id,
    ClientId: cognito.client_id,
    endpoint: `${cognito.endpoint.replace(/\/$/, '')}/`,
    Storage: forgetful,
  });
  const user = new User({ Username: email, Pool: pool, Storage: forgetful });
  const details = new AuthenticationDetails({ Username: email, Password: password });
  return steps((callbacks) => user.authenticateUser(details, callbacks), user);
}

type Callbacks = Parameters<CognitoUser['authenticateUser']>[1];

function steps(act: (callbacks: Callbacks) => void, user: CognitoUser): Promise<Step> {
  return new Promise((resolve, reject) => {
    const code = (kind: 'SMS_MFA' | 'SOFTWARE_TOKEN_MFA') => () =>
      resolve({
        kind: 'code',
        answer: (typed) => steps((next) => user.sendMFACode(typed, next, kind), user),
      });
    act({
      onSuccess: (session) =>
        resolve({
          kind: 'in',
          tokens: {
            id: session.getIdToken().getJwtToken(),
            access: session.getAccessToken().getJwtToken(),
            refresh: session.getRefreshToken().getToken(),
          },
        }),
      onFailure: (error) => reject(refused(error)),
      newPasswordRequired: () =>
        resolve({
          kind: 'new_password',
          answer: (typed) =>
            steps((next) => user.completeNewPasswordChallenge(typed, {}, next), user),
        }),
      mfaRequired: code('SMS_MFA'),
      totpRequired: code('SOFTWARE_TOKEN_MFA'),
    });
  });
}

/** A store of the library's own, which forgets: the session is kept by `session.ts`. */
class Forgetful {
  private kept = new Map<string, string>();
  setItem(key: string, value: string): string {
    this.kept.set(key, value);
    return value;
  }
  getItem(key: string): string | null {
    return this.kept.get(key) ?? null;
  }
  removeItem(key: string): void {
    this.kept.delete(key);
  }
  clear(): void {
    this.kept.clear();
  }
}

async function ask<T>(target: string, body: object): Promise<T> {
  const { cognito } = await config();
  let answer: Response;
  try {
    answer = await fetch(`${cognito.endpoint.replace(/\/$/, '')}/`, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/x-amz-json-1.1',
        'X-Amz-Target': `AWSCognitoIdentityProviderService.${target}`,
      },
      body: JSON.stringify(body),
    });
  } catch {
    throw new Refused('NetworkError', '');
  }
  const text = await answer.text();
  const said = text ? JSON.parse(text) : {};
  if (!answer.ok) {
    throw new Refused(
      String(said.__type ?? 'Unknown')
        .split('#')
        .at(-1) ?? '',
      said.message ?? '',
    );
  }
  return said as T;
}

/** Fresh tokens for a session that goes on. Rejects with `Refused`. */
export async function refresh(token: string): Promise<Pick<Tokens, 'id' | 'access'>> {
  const { cognito } = await config();
  const said = await ask<{ AuthenticationResult: { IdToken: string; AccessToken: string } }>(
    'InitiateAuth',
    {
      AuthFlow: 'REFRESH_TOKEN_AUTH',
      ClientId: cognito.client_id,
      AuthParameters: { REFRESH_TOKEN: token },
    },
  );
  return { id: said.AuthenticationResult.IdToken, access: said.AuthenticationResult.AccessToken };
}

export async function revoke(token: string): Promise<void> {
  const { cognito } = await config();
  await ask('RevokeToken', { ClientId: cognito.client_id, Token: token });
}

export async function sendResetCode(email: string): Promise<void> {
  const { cognito } = await config();
  await ask('ForgotPassword', { ClientId: cognito.client_id, Username: email });
}

export async function resetPassword(email: string, code: string, password: string): Promise<void> {
  const { cognito } = await config();
  await ask('ConfirmForgotPassword', {
    ClientId: cognito.client_id,
    Username: email,
    ConfirmationCode: code,
    Password: password,
  });
}

export async function changePassword(access: string, old: string, wanted: string): Promise<void> {
  await ask('ChangePassword', {
    AccessToken: access,
    PreviousPassword: old,
    ProposedPassword: wanted,
  });
}

/** Begins to tie an authenticator to the log-in. Returns its secret, to be typed or scanned. */
export async function beginAuthenticator(access: string): Promise<string> {
  const said = await ask<{ SecretCode: string }>('AssociateSoftwareToken', { AccessToken: access });
  return said.SecretCode;
}

export async function confirmAuthenticator(access: string, code: string): Promise<void> {
  await ask('VerifySoftwareToken', { AccessToken: access, UserCode: code });
  await ask('SetUserMFAPreference', {
    AccessToken: access,
    SoftwareTokenMfaSettings: { Enabled: true, PreferredMfa: true },
  });
}
