// SPDX-License-Identifier: MIT
// The tests look at the collector: one at a time.
[assembly: Xunit.CollectionBehavior(DisableTestParallelization = true)]
