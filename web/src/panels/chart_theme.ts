import { ColorType, CrosshairMode, type ChartOptions, type DeepPartial, type UTCTimestamp } from 'lightweight-charts'

export function cssColor(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim()
}

function localTime(time: number, isLong: boolean): string {
  const date = new Date(time * 1000)
  return isLong ? `${date.toLocaleDateString('en-CA')} ${date.toLocaleTimeString('en-GB')}` : date.toLocaleTimeString('en-GB')
}

/** The chart's options in the colours of the present theme; times in the trader's own zone. */
export function chartOptions(): DeepPartial<ChartOptions> {
  const line = cssColor('--line')
  return {
    autoSize: true,
    layout: {
      background: { type: ColorType.Solid, color: cssColor('--surface') },
      textColor: cssColor('--dim'),
      fontFamily: getComputedStyle(document.body).fontFamily,
      fontSize: 11,
      attributionLogo: true,
    },
    grid: { vertLines: { color: `${line}80` }, horzLines: { color: `${line}80` } },
    crosshair: { mode: CrosshairMode.Normal, vertLine: { labelBackgroundColor: cssColor('--raised') }, horzLine: { labelBackgroundColor: cssColor('--raised') } },
    rightPriceScale: { borderColor: line, scaleMargins: { top: 0.16, bottom: 0.14 } },
    timeScale: {
      borderColor: line,
      timeVisible: true,
      secondsVisible: true,
      rightOffset: 4,
      tickMarkFormatter: (time: UTCTimestamp) => localTime(time, false),
    },
    localization: { timeFormatter: (time: UTCTimestamp) => localTime(time, true) },
  }
}

/** Runs `apply` at every change of the theme until the answer is called. */
export function onThemeChange(apply: () => void): () => void {
  const observer = new MutationObserver(apply)
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ['data-mantine-color-scheme'] })
  return () => observer.disconnect()
}
