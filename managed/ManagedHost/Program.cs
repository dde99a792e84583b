// SPDX-License-Identifier: MIT
// Main: takes the address of the host's struct, hands the entry points over, and stays.
using System;

namespace UniversalModuleHost.Hosting;

internal static unsafe class Program
{
    private const int ExitUsage = 2;

    private static int Main(string[] arguments)
    {
        if (arguments.Length != 1 || ParseAddress(arguments[0]) is not (not 0 and var address))
            return ExitUsage;
        NativeStart* start = (NativeStart*)address;
        if (!Border.IsMine(start))
            return ExitUsage;

        Border.Start = start;
        NativeCalls calls = EntryPoints.Table();
        start->OnReady(start->Context, &calls);
        Warmup.Run();
        Warmup.Rehearse();
        start->WaitForEnd(start->Context);
        return 0;
    }

    /// <summary>Hexadecimal without a prefix; 0: it is none.</summary>
    private static nint ParseAddress(string text)
    {
        nint address = 0;
        foreach (char c in text)
        {
            if (!char.IsAsciiHexDigit(c))
                return 0;
            int digit = char.IsAsciiDigit(c) ? c - '0' : (c | 0x20) - 'a' + 10;
            address = (address << 4) | digit;
        }
        return address;
    }
}
