// SPDX-License-Identifier: MIT
// One log record on its way over the border: NUL-terminated UTF-8 in one rented array.
using System;
using System.Buffers;
using System.Text;
using Microsoft.Extensions.Logging;

namespace UniversalModuleHost.Hosting;

internal sealed class LogRecord : IDisposable
{
    /// <summary>UMH_LOG_PAIRS_MAX; the host counts what is beyond it.</summary>
    private const int PairsMax = 24;

    private const int FirstBytes = 1024;

    private readonly int[] _starts = new int[2 * PairsMax];
    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(FirstBytes);
    private int _used;
    private int _pairs;

    public LogRecord(string message) => Append(message);

    public void Add(string key, string value)
    {
        if (_pairs < PairsMax)
        {
            _starts[2 * _pairs] = Append(key);
            _starts[(2 * _pairs) + 1] = Append(value);
        }
        _pairs++;
    }

    public unsafe void Write(ModuleHost? host, LogLevel level)
    {
        if (host is null)
            return;
        NativePair* pairs = stackalloc NativePair[PairsMax];
        fixed (byte* bytes = _bytes)
        {
            int count = Math.Min(_pairs, PairsMax);
            for (int i = 0; i < count; i++)
            {
                pairs[i].Key = bytes + _starts[2 * i];
                pairs[i].Value = bytes + _starts[(2 * i) + 1];
            }
            if (host.TryLog(level, bytes, pairs, count))
                return;
        }
        HostLog.Write(level, host.Identity.Name, Text());
    }

    public void Dispose()
    {
        byte[] bytes = _bytes;
        _bytes = [];
        if (bytes.Length > 0)
            ArrayPool<byte>.Shared.Return(bytes);
    }

    /// <summary>All of it in one text, for the way that knows no pairs.</summary>
    private string Text()
    {
        StringBuilder text = new(TextAt(0));
        for (int i = 0; i < Math.Min(_pairs, PairsMax); i++)
        {
            text.Append(' ').Append(TextAt(_starts[2 * i]));
            text.Append('=').Append(TextAt(_starts[(2 * i) + 1]));
        }
        return text.ToString();
    }

    private string TextAt(int start)
    {
        ReadOnlySpan<byte> rest = _bytes.AsSpan(start);
        return Encoding.UTF8.GetString(rest[..rest.IndexOf((byte)0)]);
    }

    private int Append(string text)
    {
        int start = _used;
        text = HostLog.Fit(text);
        int most = Encoding.UTF8.GetMaxByteCount(text.Length) + 1;
        if (_bytes.Length - _used < most)
        {
            byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(_used + most, 2 * _bytes.Length));
            _bytes.AsSpan(0, _used).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = larger;
        }
        _used += Encoding.UTF8.GetBytes(text, _bytes.AsSpan(_used));
        _bytes[_used++] = 0;
        return start;
    }
}
