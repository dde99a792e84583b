// SPDX-License-Identifier: MIT
// The program that the start of a managed host is compared with.
System.Console.WriteLine("hello");
