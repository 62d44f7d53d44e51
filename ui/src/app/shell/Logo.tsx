/** Two timbers, joined. */
export function Logo({ className }: { className?: string }) {
  return (
    <svg viewBox="0 0 32 32" aria-hidden="true" className={className}>
      <path d="M3 3h26v10H22.5l3.6 9H5.9l3.6-9H3z" fill="var(--mlx)" opacity="0.9" />
      <path d="M3 15.5h3.6L3 24.5zM29 15.5h-3.6l3.6 9zM3 29v-1.6L4.1 24.6h23.8l1.1 2.8V29z" fill="var(--gguf)" />
    </svg>
  )
}
