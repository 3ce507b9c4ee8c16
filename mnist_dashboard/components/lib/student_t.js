/** Student's t distribution, as far as a confidence interval of a mean needs it. */

/** The 97.5 % quantile for 1 to 30 degrees of freedom; tests/dashboard/test_student.py holds it against scipy's. */
const T_975 = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131,
  2.12, 2.11, 2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042,
];

/** Half of the 95 % confidence interval of the mean of n values with this sample standard deviation; n is at least 2. */
export function halfInterval(sd, n) {
  const t = T_975[n - 2] ?? 1.96 + 2.42 / (n - 1); // beyond the table, within 0.001
  return (t * sd) / Math.sqrt(n);
}
