// Respects the system's "reduce motion" setting.

export const prefersReducedMotion = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

export function scrollTo(element, position = {}) {
  element.scrollIntoView({ ...position, behavior: prefersReducedMotion() ? 'auto' : 'smooth' });
}
