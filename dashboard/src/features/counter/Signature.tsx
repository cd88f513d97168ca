/** A field to sign with a finger or a pen; a name typed beside it signs as well. */

import { Button, Text } from '@mantine/core';
import { type PointerEvent, useEffect, useRef } from 'react';
import { t } from './words';

const WIDTH = 480;
const HEIGHT = 160;

interface Props {
  label: string;
  /** The picture as a data URL; empty once it is cleared. */
  onDrawn: (picture: string) => void;
}

export function Signature({ label, onDrawn }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const drawing = useRef(false);
  const pen = () => canvas.current?.getContext('2d');

  function paint() {
    const on = pen();
    if (!on) return;
    on.fillStyle = '#ffffff';
    on.fillRect(0, 0, WIDTH, HEIGHT);
    on.lineWidth = 3;
    on.lineCap = 'round';
    on.lineJoin = 'round';
    on.strokeStyle = '#111111';
  }
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when the field is there
  useEffect(paint, []);

  function placeOf(event: PointerEvent<HTMLCanvasElement>): [number, number] {
    const box = event.currentTarget.getBoundingClientRect();
    return [
      ((event.clientX - box.left) * WIDTH) / box.width,
      ((event.clientY - box.top) * HEIGHT) / box.height,
    ];
  }
  function end() {
    if (drawing.current && canvas.current) onDrawn(canvas.current.toDataURL('image/png'));
    drawing.current = false;
  }
  return (
    <div>
      <Text fw={500}>{label}</Text>
      <canvas
        ref={canvas}
        width={WIDTH}
        height={HEIGHT}
        className="signature"
        role="img"
        aria-label={t('drawHere')}
        onPointerDown={(event) => {
          drawing.current = true;
          event.currentTarget.setPointerCapture(event.pointerId);
          pen()?.beginPath();
          pen()?.moveTo(...placeOf(event));
        }}
        onPointerMove={(event) => {
          if (!drawing.current) return;
          pen()?.lineTo(...placeOf(event));
          pen()?.stroke();
        }}
        onPointerUp={end}
        onPointerCancel={end}
      />
      <Button
        variant="subtle"
        size="xs"
        onClick={() => {
          paint();
          onDrawn('');
        }}
      >
        {t('drawAgain')}
      </Button>
    </div>
  );
}
