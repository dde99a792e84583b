// SPDX-License-Identifier: MIT
// The program that the memory of managed hosts is compared with: says a byte and waits for its end.
System.Console.WriteLine("!");
System.Threading.Thread.Sleep(System.Threading.Timeout.Infinite);
