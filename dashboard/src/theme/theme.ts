import {
  ActionIcon,
  Anchor,
  Button,
  type CSSVariablesResolver,
  createTheme,
  Input,
  type MantineColorsTuple,
} from '@mantine/core';

const violet: MantineColorsTuple = [
  '#f4efff',
  '#e6dcfd',
  '#d0bcfb',
  '#bba0fa',
  '#a78bfa',
  '#8f66f5',
  '#7c3aed',
  '#6d28d9',
  '#5b21b6',
  '#4c1d95',
];

/** screens.md §1.7 and §1.8: one scale of space and text, colours that mean something. */
export const theme = createTheme({
  primaryColor: 'violet',
  primaryShade: { light: 7, dark: 4 },
  colors: { violet },
  autoContrast: true,
  luminanceThreshold: 0.3,
  white: '#ffffff',
  black: '#131318',
  defaultRadius: 8,
  radius: { xs: '4px', sm: '6px', md: '8px', lg: '12px', xl: '16px' },
  spacing: { xs: '8px', sm: '12px', md: '16px', lg: '24px', xl: '32px' },
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif',
  fontSizes: { xs: '12px', sm: '14px', md: '14px', lg: '16px', xl: '20px' },
  headings: {
    fontWeight: '650',
    sizes: {
      h1: { fontSize: '28px', lineHeight: '1.25' },
      h2: { fontSize: '20px', lineHeight: '1.3' },
      h3: { fontSize: '16px', lineHeight: '1.4' },
    },
  },
  respectReducedMotion: true,
  components: {
    Button: Button.extend({ defaultProps: { size: 'sm', variant: 'filled' } }),
    ActionIcon: ActionIcon.extend({ defaultProps: { size: 32, variant: 'subtle', color: 'gray' } }),
    // Fields side by side stand on one line whether or not they are explained.
    InputWrapper: Input.Wrapper.extend({
      defaultProps: { inputWrapperOrder: ['label', 'input', 'description', 'error'] },
    }),
    // Arrows of 17 px are for nobody's finger; the keys do the same.
    NumberInput: { defaultProps: { hideControls: true } },
    Anchor: Anchor.extend({ defaultProps: { underline: 'always' } }),
  },
});

const ours = {
  '--mantine-color-body': 'var(--page)',
  '--mantine-color-text': 'var(--text)',
  '--mantine-color-bright': 'var(--text)',
  '--mantine-color-dimmed': 'var(--muted)',
  '--mantine-color-placeholder': 'var(--muted)',
  '--mantine-color-anchor': 'var(--primary)',
  '--mantine-color-error': 'var(--bad-text)',
  '--mantine-color-default': 'var(--panel)',
  '--mantine-color-default-color': 'var(--text)',
  '--mantine-color-default-border': 'var(--control)',
  '--mantine-color-default-hover': 'var(--idle-fill)',
  '--mantine-color-gray-light-color': 'var(--muted)',
  '--mantine-color-violet-light': 'var(--primary-soft)',
  '--mantine-color-violet-light-color': 'var(--primary)',
};

/** The component library draws with the colours of theme.css, in both schemes. */
export const variables: CSSVariablesResolver = () => ({ variables: {}, light: ours, dark: ours });
