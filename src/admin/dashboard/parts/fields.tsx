/** A labelled field of a form that narrows a list. */
export function Text(props: {
  readonly name: string
  readonly label: string
  readonly value?: string
  readonly hint?: string
  readonly type?: 'text' | 'date'
  readonly required?: boolean
}) {
  const { name, label, value = '', hint, type = 'text', required = false } = props
  return (
    <label>
      {label}
      <input
        name={name}
        type={type}
        value={value}
        placeholder={hint}
        maxlength={512}
        autocomplete="off"
        required={required}
      />
    </label>
  )
}

export function Pick(props: {
  readonly name: string
  readonly label: string
  readonly value: string
  readonly options: readonly string[]
  /** What choosing none is called; absent where one must be chosen. */
  readonly any?: string
}) {
  const { name, label, value, options, any } = props
  return (
    <label>
      {label}
      <select name={name}>
        {any === undefined ? null : <option value="">{any}</option>}
        {options.map((option) => (
          <option value={option} selected={option === value}>
            {option}
          </option>
        ))}
      </select>
    </label>
  )
}
