{% extends 'dense_operation.cpp' %}
{% macro _of(name) %}{{get_array_name(variables['_look_' ~ name])}}{% endmacro %}
{% block maincode %}
    typedef {{c_data_type(kept)}} _real;
    static neuro_ep::Stream _stream;
    const bool _due = {{_of('every')}}[0] > 0 ? {{_of('now')}}[0] % {{_of('every')}}[0] == 0
        : {{_of('step')}}[0] == 1 && {{_of('phase')}}[0] == 0 && {{_of('presentation')}}[0] % {{_of('per')}}[0] == 0;
    if ({{_of('watching')}}[0] && _due)
    {
        const int32_t _count = {{_of('count')}}[0];
        _real* const _row = static_cast<_real*>(_stream.room({{_of('file')}}, sizeof(_real) * _count * {{names|length}}));
        {% if arrays %}
        for (int32_t _k = 0; _k < _count; _k++)
        {
            {% for name in names %}
            _row[{{loop.index0}} * _count + _k] = {{get_array_name(arrays[name])}}[{{_of('units')}}[_k]];
            {% endfor %}
        }
        {% else %}
        const size_t _vectorisation_idx = -1;
        {{scalar_code['look']|autoindent}}
        for (int32_t _k = 0; _k < _count; _k++)
        {
            const size_t _idx = {{_of('units')}}[_k];
            const size_t _vectorisation_idx = _idx;
            {{vector_code['look']|autoindent}}
            {% for name in names %}
            _row[{{loop.index0}} * _count + _k] = _seen_{{name}};
            {% endfor %}
        }
        {% endif %}
    }
    if ({{_of('presentation')}}[0] >= {{_of('total')}}[0]) _stream.close();
{% endblock %}
